// The only clock arithmetic of the project. No bitwise operators: NTP seconds exceed 31 bits (docs/divergences.md, 2).
declare const unix: unique symbol
declare const ntp: unique symbol
declare const epoch: unique symbol
declare const day: unique symbol

/** Whole seconds since 1970-01-01T00:00Z. Every `at` argument is one. */
export type UnixSeconds = number & { readonly [unix]: true }
/** Whole seconds since 1900-01-01T00:00Z, beyond 32 bits after 2036-02-07T06:28:16Z. */
export type NtpSeconds = number & { readonly [ntp]: true }
/** Epoch number i, counted from the start of the service; 24 bits on the wire (ROBERT §3.1). */
export type Epoch = number & { readonly [epoch]: true }
/** Days since 1970-01-01, UTC. */
export type UtcDay = number & { readonly [day]: true }

export const NTP_MINUS_UNIX = 2_208_988_800
export const DAY_SECONDS = 86_400
export const LAST_EPOCH = 0xffffff as Epoch

/** Set-up of a service (ROBERT §3.1): when epoch 0 started and how long an epoch lasts, in seconds. */
export interface Calendar {
  readonly serviceStart: UnixSeconds
  readonly epochDuration: number
}

export const ntpOf = (at: UnixSeconds): NtpSeconds => (at + NTP_MINUS_UNIX) as NtpSeconds
export const unixOf = (time: NtpSeconds): UnixSeconds => (time - NTP_MINUS_UNIX) as UnixSeconds
export const later = (at: UnixSeconds, seconds: number): UnixSeconds => (at + seconds) as UnixSeconds

/** The remainder with the sign of the divisor. */
const modulo = (value: number, by: number): number => value - by * Math.floor(value / by)

/** TRUNC16 of ROBERT §5.1: the 16 least significant bits of NTP seconds. */
export const time16 = (time: NtpSeconds): number => modulo(time, 0x10000)
/** The 32-bit NTP "Seconds" field. */
export const time32 = (time: NtpSeconds): number => modulo(time, 0x100000000)

/** The time nearest to `near` whose low bits are `low`: eras and the 16-bit wrap need no case of their own. */
const unfold = (low: number, near: number, range: number): number => {
  const forward = modulo(low - near, range)
  return near + (forward < range / 2 ? forward : forward - range)
}
export const unfold16 = (low: number, near: NtpSeconds): NtpSeconds => unfold(low, near, 0x10000) as NtpSeconds
export const unfold32 = (low: number, near: NtpSeconds): NtpSeconds => unfold(low, near, 0x100000000) as NtpSeconds

/** Distance of two 16-bit times on the circle of 65,536 s (docs/divergences.md, 3). */
export const distance16 = (a: number, b: number): number => {
  const forward = modulo(a - b, 0x10000)
  return Math.min(forward, 0x10000 - forward)
}

/** Floor division (docs/divergences.md, 4): negative before the service started. */
export const epochAt = (calendar: Calendar, at: UnixSeconds): Epoch =>
  Math.floor((at - calendar.serviceStart) / calendar.epochDuration) as Epoch

export const epochStart = (calendar: Calendar, of: number): UnixSeconds =>
  (calendar.serviceStart + of * calendar.epochDuration) as UnixSeconds

export const dayOf = (at: UnixSeconds): UtcDay => Math.floor(at / DAY_SECONDS) as UtcDay
export const dayStart = (of: number): UnixSeconds => (of * DAY_SECONDS) as UnixSeconds

/** The UTC day whose server key makes the identifiers of an epoch: that of the epoch's start. */
export const dayOfEpoch = (calendar: Calendar, of: Epoch): UtcDay => dayOf(epochStart(calendar, of))

/** The first epoch that starts on or after midnight of a UTC day. */
export const firstEpochOfDay = (calendar: Calendar, of: number): Epoch =>
  Math.ceil((dayStart(of) - calendar.serviceStart) / calendar.epochDuration) as Epoch

/** The UTC day that a time is nearest to besides its own: the other server key to try (ROBERT §6.2, footnote 13). */
export const neighbourDay = (at: UnixSeconds): UtcDay =>
  (dayOf(at) + (modulo(at, DAY_SECONDS) < DAY_SECONDS / 2 ? -1 : 1)) as UtcDay

/** Whether a UTC midnight is less than so many seconds ago, or at most so many ahead. */
export const isNearMidnight = (at: UnixSeconds, seconds: number): boolean => {
  const into = modulo(at, DAY_SECONDS)
  return into < seconds || into >= DAY_SECONDS - seconds
}

/** Epochs in a number of days: `ct * 24 * 3600 / epoch_duration_sec` of ROBERT §6.2, footnote 17. */
export const epochsIn = (calendar: Calendar, days: number): number => (days * DAY_SECONDS) / calendar.epochDuration

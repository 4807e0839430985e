// ROBERT's times as BigInt: 64-bit NTP seconds, of which the wire carries the low 32 or 16 bits (ROBERT §2.2, §5.1).

const NTP_MINUS_UNIX = 2_208_988_800n
const DAY = 86_400n

export interface Service {
  /** NTP seconds of the start of epoch 0. */
  readonly serviceStart: bigint
  readonly epochDuration: bigint
}

const floorDivide = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b

export const ntpOfUtc = (utc: string): bigint => BigInt(Date.parse(utc) / 1000) + NTP_MINUS_UNIX
export const unixOfNtp = (ntp: bigint): bigint => ntp - NTP_MINUS_UNIX
export const era = (ntp: bigint): bigint => ntp >> 32n
export const low32 = (ntp: bigint): bigint => BigInt.asUintN(32, ntp)
export const low16 = (ntp: bigint): bigint => BigInt.asUintN(16, ntp)

/** The time nearest to `near` with these low bits. Of two that are equally near, the earlier. */
export const unfold = (bits: 16 | 32, low: bigint, near: bigint): bigint => near + BigInt.asIntN(bits, low - near)

/** How far two 16-bit times are apart on their circle. */
export function distance(a: bigint, b: bigint): bigint {
  const apart = BigInt.asIntN(16, a - b)
  return apart < 0n ? -apart : apart
}

export const near16 = (a: bigint, b: bigint, delta: bigint, inclusive: boolean): boolean =>
  inclusive ? distance(a, b) <= delta : distance(a, b) < delta

/** Days since 1970-01-01, UTC. */
export const utcDay = (ntp: bigint): bigint => floorDivide(unixOfNtp(ntp), DAY)
export const secondOfDay = (ntp: bigint): bigint => unixOfNtp(ntp) - utcDay(ntp) * DAY

export const epochAt = (service: Service, ntp: bigint): bigint =>
  floorDivide(ntp - service.serviceStart, service.epochDuration)
export const epochStart = (service: Service, epoch: bigint): bigint =>
  service.serviceStart + epoch * service.epochDuration
/** The UTC day whose server key makes the identifiers of an epoch: that of the epoch's start. */
export const dayOfEpoch = (service: Service, epoch: bigint): bigint => utcDay(epochStart(service, epoch))
export const epochsIn = (service: Service, days: bigint): bigint => (days * DAY) / service.epochDuration
export const fits24 = (epoch: bigint): boolean => epoch >= 0n && epoch < 1n << 24n

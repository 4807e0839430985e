import { DAY_SECONDS, dayOf, type UnixSeconds } from '@vicinity/protocol'
import type { Tally } from '../../store/verification.ts'

const HOUR = 3600

/** Lives and ages in seconds: those of the deployed server. */
export const LIFE = {
  shortCode: 900,
  longCode: DAY_SECONDS,
  token: DAY_SECONDS,
  certificate: 900,
  /** A certificate holds a moment before it is made: clocks of key servers differ. */
  clockSkew: 5,
  /** After a code ended it cannot be entered any more, and one day not even be asked about. */
  endedCode: 48 * HOUR,
  codeStatus: 14 * DAY_SECONDS,
  endedToken: DAY_SECONDS,
  /** How long a phone number cannot report again: while its code was not used, and after it was. */
  unclaimedReport: HOUR,
  report: 30 * DAY_SECONDS,
  tally: 7 * DAY_SECONDS,
} as const

/** What happens is counted by windows as long as the life of a short code. */
export const windowOf = (at: UnixSeconds): number => Math.floor(at / LIFE.shortCode)
/** The first window of a UTC day. */
export const firstWindowOfDay = (at: UnixSeconds): number => (dayOf(at) * DAY_SECONDS) / LIFE.shortCode

export const tallied = (counted: Partial<Tally>): Tally => ({ calls: 0, chaff: 0, wrong: 0, issued: 0, ...counted })

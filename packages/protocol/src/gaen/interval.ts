import type { UnixSeconds } from '../time.ts'
import { INTERVAL_SECONDS, ROLLING_PERIOD } from './constants.ts'

declare const interval: unique symbol

/** ENIntervalNumber: intervals of 600 s since 1970-01-01T00:00Z; 32 bits on the wire. */
export type IntervalNumber = number & { readonly [interval]: true }
export const LAST_INTERVAL = 0xffffffff as IntervalNumber

export const intervalAt = (at: UnixSeconds): IntervalNumber => Math.floor(at / INTERVAL_SECONDS) as IntervalNumber

export const intervalStart = (of: number): UnixSeconds => (of * INTERVAL_SECONDS) as UnixSeconds

/** Where the temporary exposure key of a time starts: floor(ENIN / 144) * 144, which is midnight UTC. */
export const keyStartAt = (at: UnixSeconds): IntervalNumber =>
  (Math.floor(intervalAt(at) / ROLLING_PERIOD) * ROLLING_PERIOD) as IntervalNumber

// The service that the model and the real back-end both run: small numbers, so that short sequences reach every edge.
import { type Parameters, withParameters } from '@vicinity/protocol/robert'

export const RULES: Parameters = withParameters({
  bundleDays: 1,
  statusGap: 4,
  contagiousDays: 3,
  notifiedDays: 1,
  riskNewestDays: 2,
  riskMinutes: 10,
  riskSlots: 2,
  tokensPerDay: 6,
  tokenChunk: 6,
  poolWindow: 1800,
  proofOfWork: 0,
})

/** Epochs straddle midnight. The other start is a day and a half before the NTP era ends in 2036. */
export const STARTS: readonly number[] = ['2026-03-01T00:10:00Z', '2036-02-05T18:05:00Z'].map(
  (at) => Date.parse(at) / 1000,
)

export const COUNTRY = 33
export const PEER = 49

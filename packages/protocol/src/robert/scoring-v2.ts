// `tac-v2`, version 2 of the contact scoring of the deployed French system, exact to its published cases with everything that is
// odd about it. It needs every reception of a contact, which no phone uploads here: it is for the deployed system's vectors, the
// phone's filter and the lab, never for the back-end, whose risk functions stand in `risk.ts`.

/** One HELLO of a contact as it was received; times are seconds of any origin. */
export interface Reception {
  readonly time: number
  /** Calibrated signal strength in dBm. */
  readonly strength: number
}

/** The values that were deployed. */
export const SCORING_V2 = {
  /** The span of strengths, in dB, over which the risk of a window grows from 0 to 1: by its number of receptions. */
  deltas: [39, 27, 23, 21, 20, 15],
  /** Stronger is clipped to this. */
  strongest: -35,
  /** Stronger than this is no measurement. */
  dropAbove: -5,
  /** From here down there is no risk. */
  leastStrength: -66,
  strengthSoftness: 4.342,
  riskSoftness: 0.2,
  minutes: 15,
  scale: 1.2,
  rate: 0.0071,
  threshold: 0.1,
} as const

export interface ContactScore {
  /** Minutes at full risk, 0 to 14: one epoch alone never reaches the 14.84 that the threshold needs. */
  readonly score: number
  /** Number of the last minute with a reception; counted from 0, so a minute short. */
  readonly duration: number
  /** Windows of two minutes with a risk above 0. */
  readonly riskyWindows: number
}

const NO_SCORE: ContactScore = { score: 0, duration: 0, riskyWindows: 0 }

/**
 * The score of one contact: what was received of one identifier, in the order of reception. `epochTolerance` is how many seconds
 * a contact may last beyond an epoch; the deployed system had 0, its test data 180.
 */
export function scoreContact(receptions: readonly Reception[], epochTolerance = 0): ContactScore {
  const [first] = receptions
  const last = receptions.at(-1)
  if (first === undefined || last === undefined) return NO_SCORE
  if (last.time - first.time > 60 * SCORING_V2.minutes + epochTolerance) return NO_SCORE
  const minutes = byMinute(receptions, first.time)
  // A window is a minute and the next one; the last minute stands alone.
  const windows = minutes.map((minute, k) => [...minute, ...(minutes[k + 1] ?? [])])
  const risks = windows.filter((window) => window.length > 0).map(windowRisk)
  if (risks.length === 0) return NO_SCORE
  const duration = windows.findLastIndex((window) => window.length > 0)
  return {
    score: Math.min(SCORING_V2.scale * softMax(risks, SCORING_V2.riskSoftness), 1) * duration,
    duration,
    riskyWindows: risks.filter((risk) => risk > 0).length,
  }
}

/** The strengths of each minute since the first reception. Minute 15 itself is lost, what is later counts in the last. */
function byMinute(receptions: readonly Reception[], start: number): number[][] {
  const minutes: number[][] = Array.from({ length: SCORING_V2.minutes }, () => [])
  for (const { time, strength } of receptions) {
    if (strength > SCORING_V2.dropAbove) continue
    const minute = Math.floor((time - start) / 60)
    const index = minute > SCORING_V2.minutes ? SCORING_V2.minutes - 1 : minute
    minutes[index]?.push(Math.min(strength, SCORING_V2.strongest))
  }
  return minutes
}

/** 0 to 1. The first of the deltas is never used: a window that is scored has at least one reception. */
function windowRisk(strengths: readonly number[]): number {
  const { deltas, leastStrength, strengthSoftness } = SCORING_V2
  const delta = deltas[Math.min(strengths.length, deltas.length - 1)]!
  return Math.min(Math.max((softMax(strengths, strengthSoftness) - leastStrength) / delta, 0), 1)
}

/** Between the mean (soft) and the maximum (hard) of some values. */
function softMax(values: readonly number[], softness: number): number {
  const sum = values.reduce((total, value) => total + Math.exp(value / softness), 0)
  return softness * Math.log(sum / values.length)
}

/** The probability of a transmission that a user's scores add up to, and whether that is a risk. */
export function riskOfScores(scores: readonly number[]): { readonly risk: number; readonly atRisk: boolean } {
  const sum = scores.reduce((total, score) => total + score, 0)
  const risk = 1 - Math.exp(-SCORING_V2.rate * sum)
  return { risk, atRisk: risk >= SCORING_V2.threshold }
}

// Whether two samples of times differ: Welch's t on times cropped at several percentiles, as dudect does (Reparaz et al., DATE 2017).

/** Below this two classes are taken for one. */
export const ALIKE = 4.5
/** Above this they differ beyond doubt: the least that the deliberate leak must show. */
export const DIFFERENT = 10

/** Where times are cropped, as shares of both samples together: scheduling and collections of garbage are in the tail. */
const CROPS = [0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1] as const

interface Moments {
  readonly count: number
  readonly mean: number
  readonly variance: number
}

function momentsUpTo(times: Float64Array, limit: number): Moments {
  let count = 0
  let mean = 0
  let squares = 0
  for (const time of times) {
    if (time > limit) continue
    count++
    const off = time - mean
    mean += off / count
    squares += off * (time - mean)
  }
  return { count, mean, variance: squares / Math.max(1, count - 1) }
}

/** Welch's t; positive where the first sample takes longer. 0 where one is too small to tell. */
export function welch(one: Float64Array, other: Float64Array, limit: number = Number.POSITIVE_INFINITY): number {
  const [a, b] = [momentsUpTo(one, limit), momentsUpTo(other, limit)]
  const error = Math.sqrt(a.variance / a.count + b.variance / b.count)
  return a.count < 2 || b.count < 2 || !(error > 0) ? 0 : (a.mean - b.mean) / error
}

/** The t that is largest in size, over all crops. */
export function worstT(one: Float64Array, other: Float64Array): number {
  const sorted = new Float64Array(one.length + other.length)
  sorted.set(one)
  sorted.set(other, one.length)
  sorted.sort()
  const limits = CROPS.map((share) => sorted[Math.ceil(share * sorted.length) - 1]!)
  const all = limits.map((limit) => welch(one, other, limit))
  return all.reduce((worst, t) => (Math.abs(t) > Math.abs(worst) ? t : worst), 0)
}

export function median(times: Float64Array): number {
  return times.toSorted()[Math.floor(times.length / 2)] ?? Number.NaN
}

export function joined(samples: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(samples.reduce((sum, { length }) => sum + length, 0))
  let from = 0
  for (const sample of samples) {
    all.set(sample, from)
    from += sample.length
  }
  return all
}

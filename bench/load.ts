// Load whose arrivals are fixed beforehand, as phones do not wait for each other: a call that a slow server delays counts from when it
// was due, not from when it could be sent.

/** When calls are due, in seconds: so many a second on average, each independent of the others, until `seconds`. */
export function arrivals(rate: number, seconds: number, chance: () => number): Float64Array {
  const due: number[] = []
  for (let at = gap(rate, chance); at < seconds; at += gap(rate, chance)) due.push(at)
  return Float64Array.from(due)
}

const gap = (rate: number, chance: () => number): number => -Math.log(1 - chance()) / rate

export interface Offer {
  /** Ascending, in seconds of `now`. */
  readonly due: Float64Array
  /** Calls that are under way at once, at most; more wait, and their time runs. */
  readonly lines: number
  readonly now: () => number
  /** Runs `then` at a time or a little later. */
  readonly at: (time: number, then: () => void) => void
  readonly send: (call: number, done: (served: boolean) => void) => void
}

/** Per call, in seconds of `now`: when it was answered; NaN where it was refused. */
export function offer({ due, lines, now, at, send }: Offer): Promise<Float64Array> {
  const answered = new Float64Array(due.length)
  const { promise, resolve } = Promise.withResolvers<Float64Array>()
  let [started, busy, ended] = [0, 0, 0]
  let waits = false
  const pump = (): void => {
    while (started < due.length && busy < lines && due[started]! <= now()) {
      busy++
      const call = started++
      send(call, (served) => {
        busy--
        ended++
        answered[call] = served ? now() : Number.NaN
        if (ended === due.length) resolve(answered)
        else pump()
      })
    }
    if (waits || started === due.length || busy === lines) return
    waits = true
    at(due[started]!, () => {
      waits = false
      pump()
    })
  }
  if (due.length === 0) resolve(answered)
  else pump()
  return promise
}

/** What a rate came to. Times in milliseconds; null where so many calls were not answered. */
export interface Point {
  /** Calls that were due, a second. */
  readonly offered: number
  /** Calls that were answered well, a second. */
  readonly goodput: number
  readonly p50: number | null
  readonly p99: number | null
}

/** Answers that come within so many seconds after the last call count for the rate. */
const TAIL = 0.25

export function pointOf(due: Float64Array, answered: Float64Array, seconds: number): Point {
  const times = due.map((at, k) => (Number.isNaN(answered[k]) ? Number.POSITIVE_INFINITY : 1e3 * (answered[k]! - at)))
  const sorted = times.toSorted()
  const at = (share: number) => {
    const time = sorted[Math.floor(share * (sorted.length - 1))] ?? Number.POSITIVE_INFINITY
    return Number.isFinite(time) ? time : null
  }
  const inTime = answered.filter((end) => end <= seconds + TAIL).length
  return { offered: due.length / seconds, goodput: inTime / seconds, p50: at(0.5), p99: at(0.99) }
}

/** A server keeps up with a rate while its answers do, and come in time. */
export const LONGEST_P99 = 250
const LEAST_GOODPUT = 0.95
export const keepsUp = ({ offered, goodput, p99 }: Point): boolean =>
  goodput >= LEAST_GOODPUT * offered && p99 !== null && p99 <= LONGEST_P99

/**
 * Offers more and more until the server does not keep up, three times, so that a hiccup of the machine is no knee; then once more, for
 * the curve. Gives the highest rate that it kept up with, 0 for none, and all points.
 */
export async function rampUp(
  step: (rate: number) => Promise<Point>,
  from: number,
  factor: number,
): Promise<{ readonly knee: number; readonly points: readonly Point[] }> {
  const points: Point[] = []
  let knee = 0
  for (let rate = from; ; rate *= factor) {
    let point = await step(rate)
    for (let again = 0; again < 2 && !keepsUp(point); again++) point = await step(rate)
    points.push(point)
    if (!keepsUp(point)) {
      points.push(await step(rate * factor))
      return { knee, points }
    }
    knee = point.offered
  }
}

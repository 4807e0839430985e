import { DAY_SECONDS } from '@vicinity/protocol'
import type { Trace } from '../trace.ts'

/** A record stands for so many seconds of being near. */
export const RECORD_SECONDS = 20

export interface Pair {
  /** Places in `trace.people`. */
  readonly a: number
  readonly b: number
  readonly seconds: number
}

/** Who met whom for how long, day by day. */
export function contactsByDay(trace: Trace, days: number): Pair[][] {
  const place = new Map(trace.people.map((id, index) => [id, index]))
  const count = trace.people.length
  const records = Array.from({ length: days }, () => new Map<number, number>())
  for (let k = 0; k < trace.times.length; k++) {
    const [left, right] = [place.get(trace.left[k]!)!, place.get(trace.right[k]!)!]
    const key = Math.min(left, right) * count + Math.max(left, right)
    const day = records[Math.floor(trace.times[k]! / DAY_SECONDS)]!
    day.set(key, (day.get(key) ?? 0) + 1)
  }
  return records.map((day) =>
    [...day].map(([key, times]) => ({ a: Math.floor(key / count), b: key % count, seconds: times * RECORD_SECONDS })),
  )
}

/** The same over all days. */
export function allContacts(days: readonly (readonly Pair[])[]): Pair[] {
  const sums = new Map<string, Pair>()
  for (const { a, b, seconds } of days.flat()) {
    const key = `${a} ${b}`
    sums.set(key, { a, b, seconds: (sums.get(key)?.seconds ?? 0) + seconds })
  }
  return [...sums.values()]
}

/** How many others each person met. */
export function metCounts(pairs: readonly Pair[], people: number): number[] {
  const met = new Array<number>(people).fill(0)
  for (const { a, b } of pairs) {
    met[a] = met[a]! + 1
    met[b] = met[b]! + 1
  }
  return met
}

// Sightings as matching looks them up: by time, and by four bytes of the identifier.
import { wordOf } from '../kernels/rpi.ts'
import { GAEN_SIZE, INTERVAL_SECONDS, TOLERANCE_SECONDS } from './constants.ts'

/** What a phone heard, in columns. Any order will do; that of time is the quickest. */
export interface Sightings {
  readonly count: number
  /** 16 bytes a sighting. */
  readonly identifiers: Uint8Array
  /** Unix seconds of reception, with fractions if one likes; finite. */
  readonly times: Float64Array
}

/**
 * The first and the last interval whose identifiers count when heard at `time`: their starts are at most 7,200 s away, to the second. What
 * is derived and what is accepted follow from these two alone.
 */
export const firstNear = (time: number): number => Math.ceil((time - TOLERANCE_SECONDS) / INTERVAL_SECONDS)
export const lastNear = (time: number): number => Math.floor((time + TOLERANCE_SECONDS) / INTERVAL_SECONDS)

/** Sightings in the order of time: the columns are of the sightings that `order` names. */
export interface Heard {
  readonly order: Uint32Array
  readonly times: Float64Array
  readonly words: Uint32Array
}

export function inTimeOrder({ count, identifiers, times }: Sightings): Heard {
  const order = new Uint32Array(count)
  for (let k = 0; k < count; k++) order[k] = k
  if (times.some((time, k) => time < times[k - 1]!)) order.sort((a, b) => times[a]! - times[b]!)
  const words = new Uint32Array(count)
  const sorted = new Float64Array(count)
  for (let k = 0; k < count; k++) {
    words[k] = wordOf(identifiers, GAEN_SIZE.rollingProximityIdentifier * order[k]!)
    sorted[k] = times[order[k]!]!
  }
  return { order, times: sorted, words }
}

/** The part of the sightings, from index `from` to before `to`, that may be of intervals `first` to before `end`. */
export function heardDuring(
  { times }: Heard,
  first: number,
  end: number,
): { readonly from: number; readonly to: number } {
  // The first index whose time is not below; times ascend, and so do the intervals near them.
  const lower = (isBelow: (time: number) => boolean): number => {
    let [low, high] = [0, times.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBelow(times[middle]!)) low = middle + 1
      else high = middle
    }
    return low
  }
  return { from: lower((time) => lastNear(time) < first), to: lower((time) => firstNear(time) < end) }
}

/** Which of the intervals from `first` to before `end` any of the sightings `from` to `to` may be of, ascending. */
export function intervalsNear({ times }: Heard, from: number, to: number, first: number, end: number): Uint32Array {
  const changes = new Int32Array(end - first + 1)
  for (let k = from; k < to; k++) {
    changes[Math.max(firstNear(times[k]!), first) - first]!++
    changes[Math.min(lastNear(times[k]!) + 1, end) - first]!--
  }
  const near: number[] = []
  let open = 0
  for (let n = 0; n < end - first; n++) {
    open += changes[n]!
    if (open > 0) near.push(first + n)
  }
  return Uint32Array.from(near)
}

/** The indices of the sightings that have a word. */
export type WordTable = (word: number) => readonly number[]

/**
 * A table of the words of the sightings `from` to `to`: lists by the high bits of a product, one after the other. The senders of what was
 * heard choose its words. However they choose, a derived identifier is random to them and costs the mean length of a list; with
 * an odd multiplier that they do not know, neither can who publishes keys of their own aim them at a long one.
 */
export function wordTable({ words }: Heard, from: number, to: number, multiplier: number): WordTable {
  const bits = Math.ceil(Math.log2(2 * (to - from)))
  const shift = 32 - bits
  const slotOf = (word: number) => Math.imul(word, multiplier) >>> shift
  const ends = new Uint32Array(2 ** bits + 1)
  for (let k = from; k < to; k++) ends[slotOf(words[k]!)]!++
  for (let slot = 1; slot < ends.length; slot++) ends[slot]! += ends[slot - 1]!
  const indices = new Uint32Array(to - from)
  const held = new Uint32Array(to - from)
  // From the last, so that a list ascends; the ends become the beginnings.
  for (let k = to - 1; k >= from; k--) {
    const at = --ends[slotOf(words[k]!)]!
    indices[at] = k
    held[at] = words[k]!
  }
  return (word) => {
    const slot = slotOf(word)
    const found: number[] = []
    for (let at = ends[slot]!; at < ends[slot + 1]!; at++) if (held[at] === word) found.push(indices[at]!)
    return found
  }
}

// Which sightings were of somebody whose keys were published. Keys are taken by their start, 128 at a time, and only for the intervals that
// something was heard near to. The kernels derive four bytes of each identifier; what they find is derived once more, whole, and
// decided here: a fault of theirs could lose a match but never make one.
import { identifierKeys } from '../kernels/hkdf.ts'
import { eachPass, filterWords, KEYS_AT_ONCE } from '../kernels/rpi.ts'
import { GAEN_SIZE } from './constants.ts'
import type { DiagnosisKeys } from './diagnosis-key.ts'
import { type IntervalNumber, LAST_INTERVAL } from './interval.ts'
import { rollingProximityIdentifiers } from './key-schedule.ts'
import {
  firstNear,
  type Heard,
  heardDuring,
  inTimeOrder,
  intervalsNear,
  lastNear,
  type Sightings,
  wordTable,
} from './matching-sightings.ts'

export type { Sightings } from './matching-sightings.ts'

/** Indices of the columns of keys and of sightings, and which interval of the key the identifier was of. */
export interface KeyMatch {
  readonly key: number
  readonly sighting: number
  readonly interval: IntervalNumber
}

/** Part `part` of the work, from 0, of `of` parts: the days are dealt out in turn. */
export interface Part {
  readonly part: number
  readonly of: number
}

const BYTES = GAEN_SIZE.temporaryExposureKey
const ALL: Part = { part: 0, of: 1 }

/**
 * Every pair of a key and a sighting of it, by key and then by sighting: the identifier is that of an interval which the key has, and
 * whose start is at most 7,200 s from the time of the sighting. Revoked keys match like others. With a part, the pairs of its keys only;
 * the parts together are the whole.
 */
export function matchDiagnosisKeys(keys: DiagnosisKeys, sightings: Sightings, { part, of }: Part = ALL): KeyMatch[] {
  const heard = inTimeOrder(sightings)
  const multiplier = multiplierOf(keys)
  const matches: KeyMatch[] = []
  for (const [n, group] of groupsOf(keys).entries()) {
    if (n % of === part) matchGroup({ keys, sightings, heard, multiplier, matches }, group)
  }
  return inOrder(matches)
}

/** Puts the matches of several parts into the order of the whole, in place. */
export const inOrder = (matches: KeyMatch[]): KeyMatch[] =>
  matches.sort((a, b) => a.key - b.key || a.sighting - b.sighting)

/** Odd, and unknown to whoever broadcast before these keys were published. */
function multiplierOf({ keyData, count }: DiagnosisKeys): number {
  let mixed = 0x9e3779b9
  for (let k = 0; k < count; k++) {
    const at = BYTES * k
    const word = keyData[at]! | (keyData[at + 1]! << 8) | (keyData[at + 2]! << 16) | (keyData[at + 3]! << 24)
    mixed = Math.imul(mixed ^ word, 0x85ebca6b)
    mixed ^= mixed >>> 15
  }
  return mixed | 1
}

/** Keys of one start, the longest first. */
interface Group {
  readonly start: number
  readonly members: Uint32Array
}

/** The keys by start, ascending. */
function groupsOf({ count, starts, periods }: DiagnosisKeys): Group[] {
  const numbers = new Map<number, number>()
  const sizes: number[] = []
  const groupOf = new Uint32Array(count)
  for (let k = 0; k < count; k++) {
    let group = numbers.get(starts[k]!)
    if (group === undefined) {
      group = sizes.push(0) - 1
      numbers.set(starts[k]!, group)
    }
    groupOf[k] = group
    sizes[group]!++
  }
  const members = sizes.map((size) => new Uint32Array(size))
  for (const k of byPeriod(count, periods)) {
    const group = groupOf[k]!
    members[group]![members[group]!.length - sizes[group]!--] = k
  }
  return [...numbers].sort(([a], [b]) => a - b).map(([start, group]) => ({ start, members: members[group]! }))
}

/** Indices of keys, those of long periods first. */
function byPeriod(count: number, periods: Uint8Array): Uint32Array {
  const ends = new Uint32Array(257)
  for (let k = 0; k < count; k++) ends[256 - periods[k]!]!++
  for (let n = 1; n < ends.length; n++) ends[n]! += ends[n - 1]!
  const order = new Uint32Array(count)
  for (let k = 0; k < count; k++) order[ends[255 - periods[k]!]!++] = k
  return order
}

interface Search {
  readonly keys: DiagnosisKeys
  readonly sightings: Sightings
  readonly heard: Heard
  readonly multiplier: number
  readonly matches: KeyMatch[]
}

/** The interval after the last of a key. */
const endOf = ({ starts, periods }: DiagnosisKeys, key: number): number =>
  Math.min(starts[key]! + periods[key]!, LAST_INTERVAL + 1)

function matchGroup(search: Search, { start, members }: Group): void {
  const { keys, heard } = search
  const end = endOf(keys, members[0]!)
  const { from, to } = heardDuring(heard, start, end)
  if (from === to) return
  const intervals = intervalsNear(heard, from, to, start, end)
  const table = wordTable(heard, from, to, search.multiplier)
  filterWords(heard.words.subarray(from, to))
  const derived = identifierKeys(gathered(keys.keyData, members))
  let count = intervals.length
  for (let first = 0; first < members.length; first += KEYS_AT_ONCE) {
    const rows = derived.subarray(BYTES * first, BYTES * (first + KEYS_AT_ONCE))
    // The first of a batch is the longest: no key of this one or of those that follow has the intervals after its last.
    const longest = endOf(keys, members[first]!)
    while (count > 0 && intervals[count - 1]! >= longest) count--
    const needed = intervals.subarray(0, count)
    eachPass(rows, needed, (row, n, word) => {
      const indices = table(word)
      if (indices.length === 0) return
      const identifierKey = rows.subarray(BYTES * row, BYTES * (row + 1))
      decide(search, members[first + row]!, identifierKey, needed[n]! as IntervalNumber, indices)
    })
  }
}

/** Sightings that have four bytes of an identifier of the key: which of them are of the key. */
function decide(
  { keys, sightings, heard, matches }: Search,
  key: number,
  identifierKey: Uint8Array,
  interval: IntervalNumber,
  indices: readonly number[],
): void {
  if (interval >= endOf(keys, key)) return
  const identifier = rollingProximityIdentifiers(identifierKey, interval, 1)
  for (const index of indices) {
    const [time, sighting] = [heard.times[index]!, heard.order[index]!]
    const isNear = interval >= firstNear(time) && interval <= lastNear(time)
    const isSame = identifier.every((byte, k) => byte === sightings.identifiers[BYTES * sighting + k])
    if (isNear && isSame) matches.push({ key, sighting, interval })
  }
}

/** The bytes of these keys, row by row. */
function gathered(keyData: Uint8Array, members: Uint32Array): Uint8Array {
  const out = new Uint8Array(BYTES * members.length)
  // Eight bytes at a time, whatever address the keys begin at.
  const from = new DataView(keyData.buffer, keyData.byteOffset)
  const to = new DataView(out.buffer)
  for (let k = 0; k < members.length; k++) {
    const row = BYTES * members[k]!
    to.setBigInt64(BYTES * k, from.getBigInt64(row))
    to.setBigInt64(BYTES * k + 8, from.getBigInt64(row + 8))
  }
  return out
}

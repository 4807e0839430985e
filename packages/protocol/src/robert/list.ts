import { gcmOpen, gcmSeal } from '#crypto'
import { concat, type Random, Reader, Writer } from '../bytes.ts'
import { type Calendar, dayOfEpoch, type Epoch, firstEpochOfDay, type UtcDay } from '../time.ts'
import { SIZE } from './constants.ts'
import { closeEbids, type FederationCipher, type PermanentId, type ServerKey, writeEbidBlocks } from './ebid.ts'

/** (EBID, ECC) pairs of consecutive epochs, 9 bytes each (ROBERT §4). */
export interface IdentifierList {
  readonly first: Epoch
  readonly pairs: Uint8Array
}

/** What the back-end needs to make identifiers. */
export interface IdentifierKeys {
  readonly calendar: Calendar
  readonly countryCode: number
  readonly federation: FederationCipher
  /** K_S of a UTC day; undefined before it exists and after it is destroyed. */
  readonly serverKeyOf: (day: UtcDay) => ServerKey | undefined
}

/** Identifiers that a user is to get: at most `count` epochs from `first`. */
export interface WantedList {
  readonly id: PermanentId
  readonly first: Epoch
  readonly count: number
}

/** Epochs of one user that share a server key. */
interface Run extends WantedList {
  readonly pairs: Uint8Array
  /** The row of its first pair in the list. */
  readonly row: number
}

/**
 * The lists of many users, so that all that share a server key are encrypted at once. A list ends early where the next day has no key
 * yet.
 */
export function makeLists(keys: IdentifierKeys, wanted: readonly WantedList[]): IdentifierList[] {
  const days = new Map<UtcDay, Run[]>()
  const lists = wanted.map((list) => ({ first: list.first, pairs: planRuns(keys, list, days) }))
  const all = [...days].map(([day, runs]) => ({ runs, ebids: ebidsOf(keys.serverKeyOf(day)!, runs) }))
  const stream = keys.federation(concat(...all.map(({ ebids }) => ebids)))
  let row = 0
  for (const { runs, ebids } of all) {
    let from = 0
    for (const run of runs) {
      for (let k = 0; k < run.count; k++, from++, row++) {
        const to = SIZE.pair * (run.row + k)
        run.pairs.set(ebids.subarray(SIZE.ebid * from, SIZE.ebid * (from + 1)), to)
        run.pairs[to + SIZE.ebid] = stream[row]! ^ keys.countryCode
      }
    }
  }
  return lists
}

/** The list of one user. */
export const makeList = (keys: IdentifierKeys, id: PermanentId, first: Epoch, count: number): IdentifierList =>
  makeLists(keys, [{ id, first, count }])[0]!

/** Adds the runs of a list to those of their days. Gives the pairs that they fill. */
function planRuns(keys: IdentifierKeys, { id, first, count }: WantedList, days: Map<UtcDay, Run[]>): Uint8Array {
  const pairs = new Uint8Array(SIZE.pair * count)
  let made = 0
  while (made < count) {
    const from = (first + made) as Epoch
    const day = dayOfEpoch(keys.calendar, from)
    if (keys.serverKeyOf(day) === undefined) break
    const run = Math.min(count - made, firstEpochOfDay(keys.calendar, day + 1) - from)
    const runs = days.get(day) ?? []
    runs.push({ id, first: from, count: run, pairs, row: made })
    days.set(day, runs)
    made += run
  }
  return pairs.subarray(0, SIZE.pair * made)
}

function ebidsOf(key: ServerKey, runs: readonly Run[]): Uint8Array {
  const blocks = new Uint8Array(SIZE.ebid * runs.reduce((sum, { count }) => sum + count, 0))
  let row = 0
  for (const { id, first, count } of runs) {
    writeEbidBlocks(blocks, row, id, first, count)
    row += count
  }
  closeEbids(key, blocks)
  return blocks
}

/** The epochs that a status reply carries: those of the last day of the bundle, at most `most`. */
export function lastDayOfBundle(calendar: Calendar, today: UtcDay, bundleDays: number, most: number) {
  const first = firstEpochOfDay(calendar, today + bundleDays)
  return { first, count: Math.min(most, firstEpochOfDay(calendar, today + bundleDays + 1) - first) }
}

const HEAD = 6

/** Packed form: first epoch 4 | count 2 | pairs, zero padded to `capacity` pairs. */
export function packList(list: IdentifierList, capacity: number): Uint8Array {
  return new Writer(HEAD + SIZE.pair * capacity)
    .uint(4, list.first)
    .uint(2, list.pairs.length / SIZE.pair)
    .put(list.pairs).bytes
}

/** Throws `Malformed` when the count exceeds the capacity. */
export function unpackList(packed: Uint8Array, field = 'list'): IdentifierList {
  const capacity = Math.floor((packed.length - HEAD) / SIZE.pair)
  const reader = new Reader(packed, HEAD + SIZE.pair * Math.max(capacity, 0), field)
  const first = reader.uint(4) as Epoch
  const count = reader.uint(2)
  return {
    first,
    pairs: new Reader(reader.take(SIZE.pair * Math.min(count, capacity)), SIZE.pair * count, field).take(
      SIZE.pair * count,
    ),
  }
}

/** A form of the first list of identifiers, before it is sealed. */
export interface ListCodec {
  /** `capacity`: the most pairs that a list of this service can have. */
  readonly encode: (list: IdentifierList, capacity: number) => Uint8Array
  /** Throws `Malformed`. */
  readonly decode: (bytes: Uint8Array, field: string) => IdentifierList
}

/** Always as long as its capacity. */
export const packedLists: ListCodec = { encode: packList, decode: unpackList }

/** AES-256-GCM under K_enc: random IV 12 | ciphertext | tag 16, no AAD (ROBERT §4). */
export function sealFor(encryptionKey: Uint8Array, plaintext: Uint8Array, random: Random): Uint8Array {
  const iv = random(SIZE.iv)
  return concat(iv, gcmSeal(encryptionKey, iv, plaintext))
}

/** Undefined when the bytes were not sealed under this key. */
export function openFrom(encryptionKey: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  return gcmOpen(encryptionKey, sealed.subarray(0, SIZE.iv), sealed.subarray(SIZE.iv))
}

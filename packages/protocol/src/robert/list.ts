import { gcmOpen, gcmSeal } from '#crypto'
import { concat, type Random, Reader, Writer } from '../bytes.ts'
import { type Calendar, dayOfEpoch, type Epoch, firstEpochOfDay, type UtcDay } from '../time.ts'
import { SIZE } from './constants.ts'
import { type FederationCipher, makeEbids, type PermanentId, type ServerKey } from './ebid.ts'

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

/** The pairs of `id` for at most `count` epochs from `first`; the list ends early where the next day has no key yet. */
export function makeList(keys: IdentifierKeys, id: PermanentId, first: Epoch, count: number): IdentifierList {
  const pairs = new Uint8Array(SIZE.pair * count)
  let made = 0
  while (made < count) {
    const from = (first + made) as Epoch
    const day = dayOfEpoch(keys.calendar, from)
    const key = keys.serverKeyOf(day)
    if (key === undefined) break
    const run = Math.min(count - made, firstEpochOfDay(keys.calendar, day + 1) - from)
    const ebids = makeEbids(key, id, from, run)
    const stream = keys.federation(ebids)
    for (let k = 0; k < run; k++) {
      pairs.set(ebids.subarray(SIZE.ebid * k, SIZE.ebid * (k + 1)), SIZE.pair * (made + k))
      pairs[SIZE.pair * (made + k) + SIZE.ebid] = stream[k]! ^ keys.countryCode
    }
    made += run
  }
  return { first, pairs: pairs.subarray(0, SIZE.pair * made) }
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

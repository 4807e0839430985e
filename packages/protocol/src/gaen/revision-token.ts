// What lets a phone change the report of keys that it published before: their list, sealed for the key server alone.
import { gcmOpen, gcmSeal } from '#crypto'
import { ascii, concat, type Random } from '../bytes.ts'
import { GAEN_SIZE, ROLLING_PERIOD } from './constants.ts'
import { type IntervalNumber, LAST_INTERVAL } from './interval.ts'
import { FieldReader, FieldWriter } from './protobuf.ts'

/** A key that the holder of a token may revise, as it was published. */
export interface RevisableKey {
  readonly keyData: Uint8Array
  readonly rollingStart: IntervalNumber
  /** Intervals, 1..144. */
  readonly rollingPeriod: number
}

/** A token lists so many keys or a multiple: what is missing is filled with keys of zeros, so that its length says little. */
export const REVISABLE_KEYS = 28

const AAD = ascii('vicinity revision token')
const IV = 12
const MOST_KID = 64
const TOKEN_FIELD = { kid: 1, data: 2 } as const
const LIST_FIELD = { revisableKeys: 1 } as const
const KEY_FIELD = { keyData: 1, rollingStart: 2, rollingPeriod: 3 } as const

/** `RevisionToken`: kid | IV 12, ciphertext, tag 16 under AES-GCM with the key `sealingKey` of 32 bytes. */
export function sealRevisionToken(
  kid: string,
  sealingKey: Uint8Array,
  keys: readonly RevisableKey[],
  random: Random,
): Uint8Array {
  const list = new FieldWriter(1024)
  for (const key of keys) list.bytesOf(LIST_FIELD.revisableKeys, packRevisable(key))
  // Every entry has one length; a parser of Protocol Buffers reads the zeros as a key without start and period.
  for (let k = keys.length; k === 0 || k % REVISABLE_KEYS !== 0; k++) list.bytesOf(LIST_FIELD.revisableKeys, FILLING)
  const iv = random(IV)
  const data = concat(iv, gcmSeal(sealingKey, iv, list.bytes, AAD))
  return new FieldWriter(data.length).bytesOf(TOKEN_FIELD.kid, ascii(kid)).bytesOf(TOKEN_FIELD.data, data).bytes.slice()
}

const packRevisable = (key: RevisableKey): Uint8Array => fixedEntry(key.keyData, key.rollingStart, key.rollingPeriod)

/** Numbers in varints of full width, so that no entry is shorter than another. */
function fixedEntry(keyData: Uint8Array, start: number, period: number): Uint8Array {
  const wide = (value: number, bytes: number) =>
    Uint8Array.from({ length: bytes }, (_, k) => (Math.floor(value / 128 ** k) % 128) | (k < bytes - 1 ? 0x80 : 0))
  const START_BYTES = 5
  const PERIOD_BYTES = 2
  return new FieldWriter()
    .bytesOf(KEY_FIELD.keyData, keyData)
    .put(Uint8Array.of(8 * KEY_FIELD.rollingStart))
    .put(wide(start, START_BYTES))
    .put(Uint8Array.of(8 * KEY_FIELD.rollingPeriod))
    .put(wide(period, PERIOD_BYTES))
    .bytes.slice()
}
const FILLING = fixedEntry(new Uint8Array(GAEN_SIZE.temporaryExposureKey), 0, 0)

/**
 * The keys of a token; `sealingKeyOf` gives the key of a `kid`. Undefined for whatever was not sealed by this key server: forged, cut
 * off, or under a key that is gone.
 */
export function openRevisionToken(
  token: Uint8Array,
  sealingKeyOf: (kid: string) => Uint8Array | undefined,
): readonly RevisableKey[] | undefined {
  try {
    const { kid, data } = readEnvelope(token)
    const sealingKey = sealingKeyOf(kid)
    const list =
      sealingKey === undefined ? undefined : gcmOpen(sealingKey, data.subarray(0, IV), data.subarray(IV), AAD)
    return list === undefined ? undefined : readList(list)
  } catch {
    return undefined
  }
}

function readEnvelope(token: Uint8Array): { readonly kid: string; readonly data: Uint8Array } {
  const reader = new FieldReader(token, 'revisionToken')
  let kid = ''
  let data = new Uint8Array(0)
  while (reader.next()) {
    if (reader.number === TOKEN_FIELD.kid) kid = reader.text('kid', MOST_KID)
    else if (reader.number === TOKEN_FIELD.data) data = Uint8Array.from(reader.bytes())
  }
  reader.finish()
  return { kid, data }
}

function readList(bytes: Uint8Array): readonly RevisableKey[] {
  const reader = new FieldReader(bytes, 'revisableKeys')
  const keys: RevisableKey[] = []
  while (reader.next()) {
    const key = reader.message('revisableKey')
    const read = { keyData: new Uint8Array(0), rollingStart: 0 as IntervalNumber, rollingPeriod: 0 }
    while (key.next()) {
      if (key.number === KEY_FIELD.keyData) read.keyData = Uint8Array.from(key.bytes())
      else if (key.number === KEY_FIELD.rollingStart) {
        read.rollingStart = key.integer('rollingStart', 0, LAST_INTERVAL) as IntervalNumber
      } else read.rollingPeriod = key.integer('rollingPeriod', 0, ROLLING_PERIOD)
    }
    // A period of zero is no key's: the filling.
    if (read.rollingPeriod > 0) keys.push(read)
  }
  return keys
}

// The first list of identifiers as the deployed French system gives it, before it is sealed: UTF-8 JSON
// `[{"epochId":n,"key":{"ebid":"b64","ecc":"b64"}},…]`, ascending, in the base64 of RFC 4648 §4 with padding.
import { ascii, concat, fromBase64url, toBase64url } from '../bytes.ts'
import { type Codec, integer, list, object } from '../codec.ts'
import { assert, Malformed } from '../outcome.ts'
import { type Epoch, LAST_EPOCH } from '../time.ts'
import { LONGEST_LIST, SIZE } from './constants.ts'
import type { IdentifierList, ListCodec } from './list.ts'

const base64 = (length: number): Codec<Uint8Array> => ({
  decode(json, field) {
    if (typeof json !== 'string') throw new Malformed(field, 'a string of base64')
    const decoded = fromBase64url(json.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_'), field)
    if (decoded.length !== length) throw new Malformed(field, `${length} bytes`)
    return decoded
  },
  encode(bytes) {
    const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
    return text.padEnd(4 * Math.ceil(text.length / 4), '=')
  },
  schema: { type: 'string', contentEncoding: 'base64' },
})

const entries = list(
  object({
    epochId: integer<Epoch>(0, LAST_EPOCH),
    key: object({ ebid: base64(SIZE.ebid), ecc: base64(SIZE.ecc) }),
  }),
  0,
  LAST_EPOCH,
)

function encode({ first, pairs }: IdentifierList, capacity: number): Uint8Array {
  const count = pairs.length / SIZE.pair
  assert(count <= capacity, 'a list has no more pairs than its capacity')
  const values = Array.from({ length: count }, (_, k) => {
    const pair = pairs.subarray(SIZE.pair * k, SIZE.pair * (k + 1))
    return { epochId: (first + k) as Epoch, key: { ebid: pair.subarray(0, SIZE.ebid), ecc: pair.subarray(SIZE.ebid) } }
  })
  return ascii(JSON.stringify(entries.encode(values)))
}

function parse(bytes: Uint8Array, field: string): unknown {
  if (bytes.length > LONGEST_LIST) throw new Malformed(field, `at most ${LONGEST_LIST} bytes`)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new Malformed(field, 'JSON')
  }
}

/** Accepts only what `encode` makes: consecutive epochs, no white space, one order of the fields, canonical base64. */
function decode(bytes: Uint8Array, field: string): IdentifierList {
  const values = entries.decode(parse(bytes, field), field)
  const pairs = concat(...values.flatMap(({ key }) => [key.ebid, key.ecc]))
  const decoded = { first: values[0]?.epochId ?? (0 as Epoch), pairs }
  const again = encode(decoded, values.length)
  if (again.length !== bytes.length || again.some((byte, k) => byte !== bytes[k])) {
    throw new Malformed(field, 'consecutive epochs in the canonical form')
  }
  return decoded
}

/** As long as the list needs; an empty list does not tell its first epoch. */
export const jsonLists: ListCodec = { encode, decode }

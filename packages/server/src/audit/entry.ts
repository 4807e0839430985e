// What the audit log can say. An act that has no row here cannot be logged, nor a detail that its row does not name: so nothing of a
// user can get into a log that nobody may ever shorten.
import { ascii, fromHex, Malformed, toHex, type UnixSeconds } from '@vicinity/protocol'
import { equalBytes } from '@vicinity/protocol/crypto'

/** Who acts: the back-end by itself, whoever runs it, the health authority, or somebody outside. */
export type Role = 'server' | 'operator' | 'authority' | 'outside'

/** Numbers are whole and not negative; names are the operator's, in ASCII; digests are SHA-256. */
type Detail = 'number' | 'name' | 'digest'

interface Row {
  readonly role: Role
  readonly details: Readonly<Record<string, Detail>>
}

/** Every act that is logged, who does it, and all that is said about it. */
export const ACTS = {
  'log.opened': { role: 'server', details: { keyDigest: 'digest' } },
  'log.cut': { role: 'server', details: { entryBytes: 'number', headBytes: 'number' } },
  'log.unsigned': { role: 'server', details: { first: 'number', entries: 'number' } },
  'store.restored': { role: 'operator', details: { generation: 'number' } },
  'store.adopted': { role: 'operator', details: { generation: 'number' } },
  'server.started': { role: 'operator', details: { setUp: 'digest' } },
  'server.stopped': { role: 'operator', details: {} },
  'parameters.inForce': { role: 'operator', details: { digest: 'digest' } },
  'clock.accepted': { role: 'operator', details: { restedDays: 'number' } },
  'clock.stepped': { role: 'server', details: {} },
  'key.made': { role: 'server', details: { name: 'name' } },
  'key.adopted': { role: 'operator', details: { name: 'name' } },
  'key.sealed': { role: 'operator', details: { name: 'name' } },
  'key.destroyed': { role: 'server', details: { name: 'name' } },
  'ceremony.begun': { role: 'operator', details: { step: 'name', plan: 'digest' } },
  'shares.made': { role: 'operator', details: { name: 'name', needed: 'number', count: 'number' } },
  'shares.combined': { role: 'operator', details: { name: 'name' } },
  'export.signed': { role: 'server', details: { starts: 'number', file: 'number', digest: 'digest' } },
  'import.read': { role: 'server', details: { peer: 'name', digest: 'digest' } },
  'authority.day': { role: 'authority', details: { day: 'number' } },
  'authority.issued': {
    role: 'authority',
    details: { day: 'number', codes: 'number', resets: 'number', verificationCodes: 'number' },
  },
  'authorisation.refused': { role: 'outside', details: { times: 'number' } },
} as const satisfies Readonly<Record<string, Row>>

export type ActName = keyof typeof ACTS
type ValueOf<Kind> = Kind extends 'number' ? number : string
export type DetailsOf<Name extends ActName> = {
  readonly [Field in keyof (typeof ACTS)[Name]['details']]: ValueOf<(typeof ACTS)[Name]['details'][Field]>
}
export type Details = Readonly<Record<string, number | string>>

export interface Entry {
  readonly sequence: number
  readonly at: UnixSeconds
  readonly role: Role
  readonly act: ActName
  /** The first bytes of a hash of the parameters in force. */
  readonly parameters: string
  readonly details: Details
  /** The leaf hash of the entry before; zeros for the first. */
  readonly previous: Uint8Array
}

const HASH_BYTES = 32
const PARAMETERS = /^[0-9a-f]{16}$/
const FORMS: Readonly<Record<Detail, (value: unknown) => boolean>> = {
  number: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  name: (value) => typeof value === 'string' && /^[\x20-\x7e]{1,200}$/.test(value),
  digest: (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
}

/** The one line that stands for an entry: JSON with its fields in this order, ASCII, without the end of line. Throws `Malformed`. */
export function encodeEntry({ sequence, at, act, parameters, details, previous }: Omit<Entry, 'role'>): Uint8Array {
  const row: Row | undefined = Object.hasOwn(ACTS, act) ? ACTS[act] : undefined
  if (row === undefined) throw new Malformed('act', 'one that is logged')
  for (const [field, value] of [
    ['sequence', sequence],
    ['at', at],
  ] as const) {
    if (!FORMS.number(value)) throw new Malformed(field, 'a whole number')
  }
  if (!PARAMETERS.test(parameters)) throw new Malformed('parameters', '16 hexadecimal digits')
  const names = Object.keys(row.details)
  const unknown = Object.keys(details).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Malformed('details', `nothing but ${names.join(', ') || 'nothing'}`)
  const said = names.map((name) => {
    const value = details[name]
    if (!FORMS[row.details[name]!](value)) throw new Malformed(`details.${name}`, `a ${row.details[name]}`)
    return [name, value] as const
  })
  return ascii(
    JSON.stringify({
      sequence,
      at,
      role: row.role,
      act,
      parameters,
      details: Object.fromEntries(said),
      previous: toHex(previous),
    }),
  )
}

/** Throws `Malformed` for every line but the one that `encodeEntry` writes. */
export function decodeEntry(line: Uint8Array): Entry {
  const { sequence, at, role, act, parameters, details, previous } = readLine(line)
  const entry = {
    sequence: sequence as number,
    at: at as UnixSeconds,
    role: role as Role,
    act: act as ActName,
    parameters: String(parameters),
    details: (details ?? {}) as Details,
    previous: fromHex(String(previous), 'previous'),
  }
  if (entry.previous.length !== HASH_BYTES) throw new Malformed('previous', '32 bytes')
  if (!equalBytes(encodeEntry(entry), line)) throw new Malformed('line', 'the canonical form')
  return entry
}

/** A line of JSON that is an object; its fields are for the caller to check. */
export function readLine(line: Uint8Array): LineFields {
  let read: unknown
  try {
    read = JSON.parse(new TextDecoder('latin1').decode(line))
  } catch {
    throw new Malformed('line', 'JSON')
  }
  if (typeof read !== 'object' || read === null) throw new Malformed('line', 'an object')
  return read as LineFields
}

/** Fields of the two kinds of lines, unchecked. */
interface LineFields {
  readonly [name: string]: unknown
  readonly sequence?: unknown
  readonly at?: unknown
  readonly role?: unknown
  readonly act?: unknown
  readonly parameters?: unknown
  readonly details?: unknown
  readonly previous?: unknown
  readonly size?: unknown
  readonly root?: unknown
  readonly key?: unknown
  readonly signature?: unknown
}

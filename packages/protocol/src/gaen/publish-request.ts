// The JSON of a publish (version 1 of the deployed key server). Its names count in whatever case, and null counts as absent: so reads the
// deployed server, and phones rely on it.
import { Malformed } from '../outcome.ts'

/** A key as it was sent: nothing of it is checked but its types. */
export interface SentKey {
  /** Base64, as sent: the certificate is bound to this spelling. */
  readonly key: string
  readonly rollingStartNumber: number
  readonly rollingPeriod: number
  /** 0 where the phone gives none. */
  readonly transmissionRisk: number
}

export interface PublishRequest {
  readonly keys: readonly SentKey[]
  /** In lower case. */
  readonly healthAuthorityId: string
  /** The certificate. */
  readonly verificationPayload: string
  /** Base64 of the secret of `tekmac`. */
  readonly hmacKey: string
  /** 0 where the phone gives none. */
  readonly symptomOnsetInterval: number
  /** Whether somebody was abroad. Read and not kept: a back-end serves one region. */
  readonly traveler: boolean
  /** Base64; empty for a first publish. */
  readonly revisionToken: string
  /** Random, so that requests have one size. */
  readonly padding: string
}

/** Largest body of a publish in bytes. */
export const PUBLISH_BYTES = 64_000

type Fields = ReadonlyMap<string, unknown>

const REQUEST_FIELDS = [
  'temporaryExposureKeys',
  'healthAuthorityID',
  'verificationPayload',
  'hmacKey',
  'symptomOnsetInterval',
  'traveler',
  'revisionToken',
  'padding',
]
const KEY_FIELDS = ['key', 'rollingStartNumber', 'rollingPeriod', 'transmissionRisk']

/** Throws `Malformed` for another shape, and for unknown fields; numbers have 32 bits. */
export function parsePublish(json: unknown): PublishRequest {
  const fields = fieldsOf(json, 'body', REQUEST_FIELDS)
  const list = fields.get('temporaryExposureKeys') ?? []
  if (!Array.isArray(list)) throw new Malformed('temporaryExposureKeys', 'a list')
  return {
    keys: list.map((entry, k) => parseKey(entry, `temporaryExposureKeys[${k}]`)),
    healthAuthorityId: textOf(fields, 'healthAuthorityID').toLowerCase(),
    verificationPayload: textOf(fields, 'verificationPayload'),
    hmacKey: textOf(fields, 'hmacKey'),
    symptomOnsetInterval: integerOf(fields, 'symptomOnsetInterval'),
    traveler: flagOf(fields, 'traveler'),
    revisionToken: textOf(fields, 'revisionToken'),
    padding: textOf(fields, 'padding'),
  }
}

function parseKey(json: unknown, field: string): SentKey {
  const fields = fieldsOf(json, field, KEY_FIELDS)
  return {
    key: textOf(fields, 'key'),
    rollingStartNumber: integerOf(fields, 'rollingStartNumber'),
    rollingPeriod: integerOf(fields, 'rollingPeriod'),
    transmissionRisk: integerOf(fields, 'transmissionRisk'),
  }
}

function fieldsOf(json: unknown, field: string, names: readonly string[]): Fields {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Malformed(field, 'an object')
  const known = new Map(names.map((name) => [name.toLowerCase(), name]))
  return new Map(
    Object.entries(json).map(([sent, value]) => {
      const name = known.get(sent.toLowerCase())
      if (name === undefined) throw new Malformed(field, 'known fields only')
      return [name, value]
    }),
  )
}

function textOf(fields: Fields, name: string): string {
  const value = fields.get(name) ?? ''
  if (typeof value !== 'string') throw new Malformed(name, 'text')
  return value
}

function integerOf(fields: Fields, name: string): number {
  const value = fields.get(name) ?? 0
  if (!Number.isInteger(value) || Math.abs(value as number) > 2 ** 31 - 1) throw new Malformed(name, 'a 32-bit integer')
  return value as number
}

function flagOf(fields: Fields, name: string): boolean {
  const value = fields.get(name) ?? false
  if (typeof value !== 'boolean') throw new Malformed(name, 'true or false')
  return value
}

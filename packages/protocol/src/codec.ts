// The one reader and writer of JSON from outside: shape, sizes, unknown keys and byte strings are checked in one pass, and what
// does not fit is `Malformed` with the name of the field. Each codec also knows its JSON schema.
import { fromBase64url, toBase64url } from './bytes.ts'
import { Malformed } from './outcome.ts'

export interface Codec<Value> {
  /** Throws `Malformed` naming `field`. */
  readonly decode: (json: unknown, field: string) => Value
  readonly encode: (value: Value) => unknown
  readonly schema: Readonly<Record<string, unknown>>
}
export type Decoded<C> = C extends Codec<infer Value> ? Value : never

/** A byte string as unpadded base64url, `least` to `most` bytes long. */
export function bytes(least: number, most: number = least): Codec<Uint8Array> {
  const characters = (length: number) => Math.ceil((length * 4) / 3)
  return {
    decode(json, field) {
      if (typeof json !== 'string') throw new Malformed(field, 'a string of base64url')
      if (json.length > characters(most)) throw new Malformed(field, `at most ${most} bytes`)
      const decoded = fromBase64url(json, field)
      if (decoded.length < least) throw new Malformed(field, `at least ${least} bytes`)
      return decoded
    },
    encode: toBase64url,
    schema: {
      type: 'string',
      contentEncoding: 'base64url',
      minLength: characters(least),
      maxLength: characters(most),
      pattern: '^[A-Za-z0-9_-]*$',
    },
  }
}

export function integer<Value extends number = number>(least: number, most: number): Codec<Value> {
  return {
    decode(json, field) {
      if (typeof json !== 'number' || !Number.isInteger(json) || json < least || json > most) {
        throw new Malformed(field, `an integer from ${least} to ${most}`)
      }
      return json as Value
    },
    encode: (value) => value,
    schema: { type: 'integer', minimum: least, maximum: most },
  }
}

export function text(most: number, pattern: RegExp): Codec<string> {
  return {
    decode(json, field) {
      if (typeof json !== 'string' || json.length > most || !pattern.test(json)) {
        throw new Malformed(field, `text of at most ${most} characters that fits ${pattern.source}`)
      }
      return json
    },
    encode: (value) => value,
    schema: { type: 'string', maxLength: most, pattern: pattern.source },
  }
}

export function list<Value>(of: Codec<Value>, least: number, most: number): Codec<readonly Value[]> {
  return {
    decode(json, field) {
      if (!Array.isArray(json) || json.length < least || json.length > most) {
        throw new Malformed(field, `a list of ${least} to ${most}`)
      }
      return json.map((entry, i) => of.decode(entry, `${field}[${i}]`))
    },
    encode: (values) => values.map((value) => of.encode(value)),
    schema: { type: 'array', items: of.schema, minItems: least, maxItems: most },
  }
}

/** An object with exactly these keys: a missing one and an unknown one are refused alike. */
export function object<Value extends object>(
  fields: {
    readonly [name in keyof Value]: Codec<Value[name]>
  },
): Codec<Readonly<Value>> {
  const names = Object.keys(fields)
  const codecs = new Map<string, Codec<unknown>>(Object.entries(fields as Record<string, Codec<unknown>>))
  return {
    decode(json, field) {
      if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Malformed(field, 'an object')
      const inside = (name: string) => (field === 'body' ? name : `${field}.${name}`)
      const unknown = Object.keys(json).find((name) => !codecs.has(name))
      if (unknown !== undefined) {
        throw new Malformed(inside(unknown.slice(0, 40).replaceAll(/[^\w-]/g, '?')), 'no such field')
      }
      const decoded = names.map((name) => {
        if (!Object.hasOwn(json, name)) throw new Malformed(inside(name), 'missing')
        return [name, codecs.get(name)?.decode((json as Record<string, unknown>)[name], inside(name))]
      })
      return Object.fromEntries(decoded) as Value
    },
    encode: (value) =>
      Object.fromEntries(
        names.map((name) => [name, codecs.get(name)?.encode((value as Record<string, unknown>)[name])]),
      ),
    schema: {
      type: 'object',
      properties: Object.fromEntries([...codecs].map(([name, codec]) => [name, codec.schema])),
      required: names,
      additionalProperties: false,
    },
  }
}

export const nothing: Codec<Record<never, never>> = object({})

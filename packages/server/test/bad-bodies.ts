// What a sender can do wrong, made from the codecs of the endpoint table: whoever adds a field there gets its bad values here.
import { api, type Endpoint, type EndpointName } from '@vicinity/protocol'
import { randomOf } from './fixture.ts'

type Json = Record<string, unknown>
interface Schema {
  readonly type: 'string' | 'integer' | 'array' | 'object'
  readonly contentEncoding?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
}

/** One bad request. `field` is what the answer names; `unread` where it is refused before anybody is asked for a token. */
export interface BadBody {
  readonly what: string
  readonly field: string
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
  readonly unread?: true
}

const endpointOf = (name: EndpointName) => api[name] as Endpoint<unknown, unknown>
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const DEEP = 10_000

/** Bodies that are no object with these fields, or are not even read. */
export function badBodies(name: EndpointName, good: Json): BadBody[] {
  const { limit } = endpointOf(name)
  const text = JSON.stringify(good)
  const depth = Math.min(DEEP, Math.floor(limit / 2))
  const noise = Buffer.from(randomOf(`noise ${name}`)(200))
  const bodies: Record<string, string | Buffer> = {
    empty: '',
    'half of it': text.slice(0, text.length / 2),
    'one bracket more': `${text}}`,
    'two of it': text + text,
    'a byte order mark': `\uFEFF${text}`,
    'random bytes': noise,
    'a zero byte': Buffer.from([0]),
    'bytes that are no text': Buffer.from([0xff, 0xfe, 0xfd]),
    'no JSON': 'publicKey=1',
    null: 'null',
    true: 'true',
    'a number': '1',
    'a string': '"text"',
    'an array': '[]',
    'an array of it': `[${text}]`,
    [`${depth} arrays in each other`]: nested(depth),
    'arrays that do not end': '['.repeat(limit),
  }
  return Object.entries(bodies).map(([what, body]) => ({ what, field: 'body', body }))
}

/** Requests that HTTP itself lets one get wrong. */
export function badHttp(name: EndpointName, good: Json): BadBody[] {
  const { limit } = endpointOf(name)
  const body = JSON.stringify(good)
  const type = (value: string) => ({ what: `content type ${value}`, body, headers: { 'content-type': value } })
  const encoding = (value: string) => ({ what: `encoding ${value}`, body, headers: { 'content-encoding': value } })
  const requests: Omit<BadBody, 'field'>[] = [
    { what: 'one byte too many', body: body.padEnd(limit + 1) },
    { what: 'a million nested arrays', body: nested(1_000_000) },
    ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonp', '/'].map(type),
    ...['gzip', 'br', 'identity', 'deflate, gzip'].map(encoding),
  ]
  return requests.map((request) => ({ ...request, field: 'body', unread: true }))
}

const ODD_KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'extra', 'Code', 'public_key', 'length']

/** Objects with fields too many or too few. */
export function badFields(good: Json): BadBody[] {
  const inner = JSON.stringify(good).slice(1, -1)
  const join = (...parts: string[]) => `{${parts.filter(Boolean).join(',')}}`
  return [
    ...ODD_KEYS.map((key) => ({
      what: `a field ${key}`,
      field: key,
      body: join(inner, `${JSON.stringify(key)}:{"admin":1}`),
    })),
    { what: 'a field of odd letters', field: '???script???', body: join(inner, '"</\\nscript >\\u0000":1') },
    { what: 'a field with a long name', field: 'k'.repeat(40), body: join(inner, `"${'k'.repeat(200)}":1`) },
    ...Object.keys(good).map((field) => {
      const { [field]: _gone, ...rest } = good
      return { what: `no ${field}`, field, body: JSON.stringify(rest) }
    }),
    ...Object.keys(good).map((field) => {
      const { [field]: value, ...rest } = good
      return {
        what: `${field} inherited`,
        field: '__proto__',
        body: join(JSON.stringify(rest).slice(1, -1), `"__proto__":{"${field}":${JSON.stringify(value)}}`),
      }
    }),
  ]
}

function badStrings(schema: Schema, value: string): string[] {
  const { minLength = 0, maxLength = 0 } = schema
  const bad = [
    `${value} `,
    ` ${value}`,
    `${value}\n`,
    `${value}=`,
    'A'.repeat(maxLength + 1),
    'A'.repeat(maxLength + 60),
  ]
  if (schema.contentEncoding === undefined) return [...bad, '', value.slice(1), `${value.slice(0, -1)}!`, `-${value}`]
  const last = value.length - 1
  const put = (letter: string, at = 0) => value.slice(0, at) + letter + value.slice(at + 1)
  bad.push(
    put('+'),
    put('/'),
    put('='),
    put('é'),
    put('\u0000', 5),
    put('\ud800', 5),
    'A'.repeat(4 * Math.ceil(maxLength / 4) + 1),
  )
  if (minLength > 0) bad.push('', 'A', value.slice(0, -4))
  if (minLength === maxLength) bad.push(value.slice(1), `A${value}`)
  // The last letter of a string that does not fill its bits has a form too many.
  if (value.length % 4 !== 0) bad.push(put('B', last))
  return bad
}

const ANYTHING = ['null', 'true', '{}', '[]', '[[]]', '{"0":"A"}', `{"length":65}`, nested(100)]

/** JSON texts that are no value of a field. */
function badValues(schema: Schema, value: unknown): string[] {
  if (schema.type === 'integer') {
    const { minimum = 0, maximum = 0 } = schema
    const numbers = [minimum - 1, maximum + 1, 0.5, -(2 ** 53), 2 ** 53, -1.5].filter(
      (n) => !Number.isInteger(n) || n < minimum || n > maximum,
    )
    return [...ANYTHING, '1e309', '-1e309', '""', `"${value}"`, ...numbers.map(String)]
  }
  if (schema.type === 'array') {
    const { minItems = 0, maxItems = 0, items } = schema
    const all = value as unknown[]
    const lists = [minItems - 1, maxItems + 1].filter((n) => n >= 0).map((n) => Array.from({ length: n }, () => all[0]))
    const around = (bad: string) =>
      `[${[JSON.stringify(all[0]), bad, ...all.slice(2).map((v) => JSON.stringify(v))].join()}]`
    const inside = badValues(items!, all[0]).map(around)
    return [
      ...ANYTHING.filter((text) => text !== '[[]]'),
      '""',
      '1',
      ...lists.map((list) => JSON.stringify(list)),
      ...inside,
    ]
  }
  return [...ANYTHING, '0', '1e309', ...badStrings(schema, value as string).map((text) => JSON.stringify(text))]
}

/** Good requests with one field that is not. */
export function badFieldValues(name: EndpointName, good: Json): BadBody[] {
  const schema = endpointOf(name).request.schema as unknown as Schema
  return Object.entries(schema.properties!).flatMap(([field, of]) =>
    badValues(of, good[field]).map((value) => {
      const body = JSON.stringify({ ...good, [field]: '#' }).replace('"#"', () => value)
      return { what: `${field} is ${value.slice(0, 60)}`, field, body }
    }),
  )
}

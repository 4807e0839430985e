import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { api, type EndpointName } from '../src/api.ts'
import { toBase64url } from '../src/bytes.ts'
import type { Codec } from '../src/codec.ts'
import { publicPoint } from '../src/crypto/node.ts'
import { Malformed } from '../src/outcome.ts'
import { SEALED_REPLY, SIZE } from '../src/robert/constants.ts'
import { holds } from './fixture.ts'

interface Schema {
  readonly type: 'string' | 'integer' | 'array' | 'object'
  readonly contentEncoding?: 'base64url'
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly properties?: Readonly<Record<string, Schema>>
}

const POINT = publicPoint(new Uint8Array(32).fill(1))
const byteString = (characters: number) => Math.floor((characters * 3) / 4)

/** Any JSON that a schema describes; byte strings and lists of moderate length. */
function jsonOf(schema: Schema): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'integer':
      return fc.integer({ min: schema.minimum!, max: Math.min(schema.maximum!, 2 ** 53 - 1) })
    case 'array': {
      const { minItems: minLength, maxItems } = schema
      return fc.array(jsonOf(schema.items!), { minLength: minLength!, maxLength: Math.min(maxItems!, minLength! + 3) })
    }
    case 'object':
      return fc.record(Object.fromEntries(Object.entries(schema.properties!).map(([name, of]) => [name, jsonOf(of)])))
    case 'string': {
      if (schema.contentEncoding === undefined) return fc.stringMatching(new RegExp(schema.pattern!))
      const least = byteString(schema.minLength!)
      // Of 65 bytes there are only points on the curve in the tables.
      if (least === SIZE.publicPoint) return fc.constant(toBase64url(POINT))
      const most = Math.min(byteString(schema.maxLength!), least + 40)
      return fc.uint8Array({ minLength: least, maxLength: most }).map(toBase64url)
    }
  }
}

/** Characters of the longest JSON that a schema describes. */
function longest(schema: Schema): number {
  switch (schema.type) {
    case 'integer':
      return Math.max(`${schema.minimum}`.length, `${schema.maximum}`.length)
    case 'array':
      return 2 + schema.maxItems! * (longest(schema.items!) + 1)
    case 'object':
      return Object.entries(schema.properties!).reduce((sum, [name, of]) => sum + name.length + 4 + longest(of), 2)
    case 'string':
      return schema.maxLength! + 2
  }
}

const codecs = Object.entries(api).flatMap(([name, { request, response }]) => [
  [`request of ${name}`, request as unknown as Codec<unknown>] as const,
  [`response of ${name}`, response as unknown as Codec<unknown>] as const,
])

for (const [name, codec] of codecs) {
  test(`the ${name}: JSON of its schema decodes and encodes to itself, other JSON is Malformed`, () => {
    holds(
      fc.property(jsonOf(codec.schema as unknown as Schema), fc.jsonValue(), (json, other) => {
        assert.deepEqual(codec.encode(codec.decode(structuredClone(json), 'body')), structuredClone(json))
        try {
          assert.equal(JSON.stringify(codec.encode(codec.decode(other, 'body'))), JSON.stringify(other))
        } catch (error) {
          assert.ok(error instanceof Malformed)
        }
      }),
      50,
    )
  })
}

test('the longest request of every endpoint fits its limit', () => {
  for (const [name, endpoint] of Object.entries(api)) {
    if (endpoint.method === 'GET')
      assert.deepEqual([endpoint.limit, endpoint.request.schema['required']], [0, []], name)
    else assert.ok(longest(endpoint.request.schema as unknown as Schema) <= endpoint.limit, name)
  }
})

test('every endpoint has a method and path of its own, under /v1/ or /health/', () => {
  const places = Object.values(api).map(({ method, path }) => `${method} ${path}`)
  assert.equal(new Set(places).size, places.length)
  for (const { path } of Object.values(api)) assert.match(path, /^\/(v1|health)\/[a-z-/]+$/)
})

test('only the health authority issues codes and tokens of negative tests', () => {
  const guarded = Object.entries(api).filter(([, { auth }]) => auth === 'authority')
  assert.deepEqual(
    guarded.map(([name]) => name as EndpointName),
    ['issueCode', 'issueReset'],
  )
})

test('appendix C: a request of any length up to 1,024 bytes is a matter of the protocol, its reply has one length', () => {
  for (const length of [0, 1, 95, 96, 97, 1024]) {
    const json = { request: toBase64url(new Uint8Array(length)) }
    assert.equal(api.request.request.decode(json, 'body').request.length, length)
  }
  assert.throws(() => api.request.request.decode({ request: toBase64url(new Uint8Array(1025)) }, 'body'), Malformed)
  for (const length of [SEALED_REPLY - 1, SEALED_REPLY + 1]) {
    const json = { reply: toBase64url(new Uint8Array(length)) }
    assert.throws(() => api.request.response.decode(json, 'body'), Malformed)
  }
})

test('ROBERT §3.3: a public key that is no uncompressed point on P-256 is malformed', () => {
  const off = Uint8Array.from(POINT)
  off[64] = off[64]! ^ 1
  for (const bytes of [off, POINT.subarray(0, 33), new Uint8Array(65)]) {
    assert.throws(
      () => api.challenge.request.decode({ publicKey: toBase64url(bytes) }, 'body'),
      (error) => error instanceof Malformed && error.field === 'publicKey',
    )
  }
  const { publicKey } = api.challenge.request.decode({ publicKey: toBase64url(POINT) }, 'body')
  assert.equal(toBase64url(publicKey), toBase64url(POINT))
})

test('ROBERT §6.1: a code of the authority is sixteen letters and digits, in groups or not', () => {
  const decode = (code: unknown) => api.codeWindow.request.decode({ code }, 'body').code
  for (const code of ['ABCD-EFGH-1234-5678', 'ABCDEFGH12345678', 'abcd-EFGH1234-5678']) assert.equal(decode(code), code)
  for (const code of ['', 'ABCD', 'ABCD-EFGH-1234-567', 'ABCD--EFGH-1234-5678', 'ABCD-EFGH-1234-5678-', 16, null]) {
    assert.throws(() => decode(code), Malformed)
  }
})

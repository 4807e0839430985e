import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toBase64url, toHex } from '../src/bytes.ts'
import { bytes, type Codec, integer, list, nothing, object, text } from '../src/codec.ts'
import { Malformed } from '../src/outcome.ts'
import { holds } from './fixture.ts'

/** Asserts that the decoder refuses and names this field. */
const refuses = <Value>(codec: Codec<Value>, json: unknown, field: string, at = 'body') =>
  assert.throws(
    () => codec.decode(json, at),
    (error) => error instanceof Malformed && error.field === field,
    `refused at ${field}`,
  )

const person = object({
  name: text(8, /^[a-z]+$/),
  keys: list(bytes(2, 4), 1, 3),
  home: object({ country: integer(0, 255), tags: list(object({ day: integer(-5, 5) }), 0, 9) }),
})
const GOOD = { name: 'alice', keys: ['AAA', 'AQIDBA'], home: { country: 33, tags: [{ day: -5 }, { day: 5 }] } }

test('an object of every kind of field decodes, and encodes to the same JSON', () => {
  const decoded = person.decode(structuredClone(GOOD), 'body')
  assert.deepEqual(decoded.keys.map(toHex), ['0000', '01020304'])
  assert.equal(decoded.home.country, 33)
  assert.deepEqual(person.encode(decoded), GOOD)
})

test('what is wrong is named by its path, and the path never quotes a value', () => {
  const wrong = (change: object) => ({ ...GOOD, ...change })
  refuses(person, wrong({ name: 'Alice' }), 'name')
  refuses(person, wrong({ keys: ['AAA', 'A'] }), 'keys[1]')
  refuses(person, wrong({ home: { country: 256, tags: [] } }), 'home.country')
  refuses(person, wrong({ home: { country: 1, tags: [{ day: 0 }, { day: 6 }] } }), 'home.tags[1].day')
  refuses(person, wrong({ home: null }), 'home')
  refuses(person, wrong({ home: [] }), 'home')
  refuses(person, GOOD.home, 'request.country', 'request')
})

test('a missing key and an unknown key are refused alike', () => {
  const { home, ...without } = GOOD
  refuses(person, without, 'home')
  refuses(person, { ...GOOD, home: { country: home.country } }, 'home.tags')
  refuses(person, { ...GOOD, extra: 1 }, 'extra')
  refuses(person, { ...GOOD, home: { ...home, extra: 1 } }, 'home.extra')
  refuses(person, { ...GOOD, name: undefined }, 'name')
  refuses(nothing, { x: 1 }, 'x')
  assert.deepEqual(nothing.decode({}, 'body'), {})
})

test('keys that JavaScript gives a meaning are keys like any other', () => {
  refuses(person, JSON.parse(`{"__proto__":{"name":"alice"},"keys":["AAA"]}`), '__proto__')
  refuses(person, { ...GOOD, constructor: 1 }, 'constructor')
  const inherits = object({ toString: integer(0, 1) })
  refuses(inherits, {}, 'toString')
  refuses(object({ name: text(8, /^/) }), Object.create({ name: 'alice' }), 'name')
  assert.deepEqual(Object.keys(person.decode(JSON.parse(JSON.stringify(GOOD)), 'body')), ['name', 'keys', 'home'])
})

test('an unknown key is named in 40 harmless characters at most', () => {
  refuses(nothing, { [`a b\n<script>"${'x'.repeat(100)}`]: 1 }, `a?b??script??${'x'.repeat(27)}`)
})

test('an object is no list, no null, no scalar', () => {
  for (const json of [null, [], 'x', 1, true, undefined]) refuses(nothing, json, 'body')
})

test('a list has a least and a greatest length', () => {
  const codec = list(integer(0, 9), 1, 2)
  for (const json of [[], [1, 2, 3], { 0: 1, length: 1 }, 'x', null]) refuses(codec, json, 'list', 'list')
  assert.deepEqual(codec.decode([1, 2], 'list'), [1, 2])
})

test('an integer is an integer within its bounds', () => {
  const codec = integer(-1, 2 ** 43)
  for (const json of [-2, 2 ** 43 + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null, true, [1], 1n]) {
    refuses(codec, json, 'n', 'n')
  }
  for (const json of [-1, 0, 2 ** 43]) assert.equal(codec.decode(json, 'n'), json)
})

test('text has a greatest length and one pattern', () => {
  const codec = text(5, /^[a-z-]+$/)
  for (const json of ['', 'abcdef', 'A', 'a\n', 1, null, ['a']]) refuses(codec, json, 't', 't')
  for (const json of ['a', 'a-b', 'abcde']) assert.equal(codec.encode(codec.decode(json, 't')), json)
})

test('a byte string is unpadded base64url of a length within its bounds; what is too long is refused unread', () => {
  const codec = bytes(2, 4)
  for (const json of ['AA', 'AAAAAAA', '!'.repeat(1e6), 'AAA=', 'AB', 'A', 7, null, [0, 0]])
    refuses(codec, json, 'b', 'b')
  assert.equal(toHex(codec.decode('AQID', 'b')), '010203')
  holds(
    fc.property(fc.nat(40), fc.nat(40), fc.uint8Array({ maxLength: 90 }), (least, span, value) => {
      const exact = bytes(least, least + span)
      const decode = () => exact.decode(toBase64url(value), 'b')
      if (value.length < least || value.length > least + span) assert.throws(decode, Malformed)
      else assert.equal(toHex(decode()), toHex(value))
    }),
  )
  refuses(bytes(3), 'AAA', 'b', 'b')
})

test('depth and size of JSON do not matter where it does not fit', () => {
  const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)
  refuses(person, deep, 'body')
  refuses(person, { ...GOOD, home: deep }, 'home')
  refuses(person, { ...GOOD, keys: new Array(1e6).fill('AAA') }, 'keys')
})

test('whatever JSON arrives is decoded or Malformed, and what is decoded encodes to itself', () => {
  const field = fc.constantFrom('name', 'keys', 'home', 'country', 'tags', 'day', '__proto__')
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('alice', ['AAA'], 33, { country: 33, tags: [] }, [{ day: 1 }]))
  let decoded = 0
  holds(
    fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(field, value), person_()), (json) => {
      const codecs = [person, bytes(0, 9), integer(-9, 9), text(9, /^\w*$/), list(integer(0, 9), 0, 9), nothing]
      for (const codec of codecs as Codec<unknown>[]) {
        try {
          const read = codec.decode(json, 'body')
          assert.deepEqual(JSON.stringify(codec.encode(read)), JSON.stringify(json))
          decoded++
        } catch (error) {
          assert.ok(error instanceof Malformed, String(error))
        }
      }
    }),
    1000,
  )
  assert.ok(decoded > 20)
})

function person_() {
  return fc.record({
    name: fc.constantFrom('alice', 'bob', 'Carol'),
    keys: fc.array(fc.constantFrom('AAA', 'AQID', 'A'), { maxLength: 4 }),
    home: fc.record({ country: fc.integer({ min: -1, max: 300 }), tags: fc.constant([]) }),
  })
}

test('the JSON schema of each codec states the bounds that it keeps', () => {
  assert.deepEqual(person.schema, {
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 8, pattern: '^[a-z]+$' },
      keys: {
        type: 'array',
        items: {
          type: 'string',
          contentEncoding: 'base64url',
          minLength: 3,
          maxLength: 6,
          pattern: '^[A-Za-z0-9_-]*$',
        },
        minItems: 1,
        maxItems: 3,
      },
      home: {
        type: 'object',
        properties: {
          country: { type: 'integer', minimum: 0, maximum: 255 },
          tags: {
            type: 'array',
            items: {
              type: 'object',
              properties: { day: { type: 'integer', minimum: -5, maximum: 5 } },
              required: ['day'],
              additionalProperties: false,
            },
            minItems: 0,
            maxItems: 9,
          },
        },
        required: ['country', 'tags'],
        additionalProperties: false,
      },
    },
    required: ['name', 'keys', 'home'],
    additionalProperties: false,
  })
})

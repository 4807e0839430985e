import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ascii,
  concat,
  drawBelow,
  fromBase64url,
  fromHex,
  Reader,
  readUint,
  toBase64url,
  toHex,
  Writer,
  writeUint,
} from '../src/bytes.ts'
import { Malformed, assert as promise } from '../src/outcome.ts'
import { holds, randomOf } from './fixture.ts'

const some = fc.uint8Array({ maxLength: 100 })
const refuses = (read: () => unknown, field: string) =>
  assert.throws(read, (error) => error instanceof Malformed && error.field === field)

test('a number of 1 to 6 bytes is written big-endian and read back', () => {
  holds(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.maxSafeInteger(), (length, draw) => {
      const value = Math.abs(draw) % 256 ** length
      const bytes = new Uint8Array(length + 2)
      writeUint(bytes, 1, length, value)
      assert.equal(readUint(bytes, 1, length), value)
      assert.equal(toHex(bytes), `00${value.toString(16).padStart(2 * length, '0')}00`)
    }),
  )
})

test('a number that does not fit its bytes is a broken promise of our own', () => {
  for (const [length, value] of [
    [1, 256],
    [4, 2 ** 32],
    [6, 2 ** 48],
    [4, -1],
    [4, 0.5],
    [4, Number.NaN],
  ] as const) {
    assert.throws(() => writeUint(new Uint8Array(6), 0, length, value), /broken promise: a number fits/)
  }
  assert.throws(() => promise(false, 'the tide is out'), /^Error: broken promise: the tide is out$/)
})

test('fields are written and read in the same order; what is not written stays zero', () => {
  const bytes = new Writer(10).uint(1, 7).put(fromHex('aabb')).uint(3, 0x010203).put(fromHex('cc')).bytes
  assert.equal(toHex(bytes), '07aabb010203cc000000')
  const reader = new Reader(bytes, 10, 'message')
  assert.equal(reader.uint(1), 7)
  assert.equal(toHex(reader.take(2)), 'aabb')
  assert.equal(reader.uint(3), 0x010203)
  assert.equal(toHex(reader.take(4)), 'cc000000')
})

test('a message of another length is malformed and the field is named', () => {
  for (const length of [0, 15, 17]) refuses(() => new Reader(new Uint8Array(length), 16, 'hello'), 'hello')
  assert.equal(new Malformed('hello', '16 bytes, got 17').message, 'hello: 16 bytes, got 17')
  assert.equal(new Malformed('hello', '16 bytes').name, 'Malformed')
})

test('what does not fit into a message cannot be put', () => {
  assert.throws(() => new Writer(2).put(new Uint8Array(3)), RangeError)
})

test('concat joins in order', () => {
  holds(
    fc.property(fc.array(some, { maxLength: 6 }), (parts) => {
      assert.equal(toHex(concat(...parts)), parts.map(toHex).join(''))
    }),
  )
})

test('a label becomes its ASCII bytes', () => {
  assert.equal(toHex(ascii('authentication key')), Buffer.from('authentication key', 'latin1').toString('hex'))
})

test('hexadecimal: round trip, capitals read, anything else malformed', () => {
  holds(
    fc.property(some, (bytes) => {
      assert.equal(toHex(bytes), Buffer.from(bytes).toString('hex'))
      assert.equal(toHex(fromHex(toHex(bytes))), toHex(bytes))
      assert.equal(toHex(fromHex(toHex(bytes).toUpperCase())), toHex(bytes))
    }),
  )
  for (const text of ['a', 'abc', '0g', '0x10', ' ab', 'ab\n', 'éé']) refuses(() => fromHex(text, 'key'), 'key')
  refuses(() => fromHex('a'), 'hex')
})

test('base64url: RFC 4648 §5 without padding', () => {
  holds(
    fc.property(some, (bytes) => {
      const text = toBase64url(bytes)
      assert.equal(text, Buffer.from(bytes).toString('base64url'))
      assert.equal(toHex(fromBase64url(text)), toHex(bytes))
    }),
  )
})

test('base64url: bytes have one spelling, whatever decodes encodes to itself', () => {
  const near = fc.string({ unit: fc.constantFrom(...'AQgwZz09-_'), maxLength: 12 })
  let decoded = 0
  holds(
    fc.property(fc.oneof(near, fc.string()), (text) => {
      try {
        assert.equal(toBase64url(fromBase64url(text, 'token')), text)
        decoded++
      } catch (error) {
        assert.ok(error instanceof Malformed)
        assert.equal(error.field, 'token')
      }
    }),
    1000,
  )
  assert.ok(decoded > 50)
})

test('base64url: padding, white space, the other alphabet, stray bits and a lone character are malformed', () => {
  for (const text of ['AA==', 'AA=', 'A', 'AAAAA', 'A A', 'AA\n', '+A', '/A', 'AB', 'AAB', 'A\u0141', 'A\u{1F600}']) {
    refuses(() => fromBase64url(text), 'base64url')
  }
  assert.equal(fromBase64url('').length, 0)
})

test('drawBelow takes every value below n and none else', () => {
  assert.equal(
    drawBelow((length) => new Uint8Array(length).fill(0xff), 7),
    6,
  )
  assert.equal(
    drawBelow((length) => new Uint8Array(length), 7),
    0,
  )
  const random = randomOf('draws')
  const counts = new Map<number, number>()
  for (let k = 0; k < 7000; k++) {
    const draw = drawBelow(random, 7)
    counts.set(draw, (counts.get(draw) ?? 0) + 1)
  }
  assert.deepEqual([...counts.keys()].sort(), [0, 1, 2, 3, 4, 5, 6])
  for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 200, `${count} of 7000`)
})

// The kernels against readable forms: SKINNY against test/oracle, HMAC against node:crypto.
import assert from 'node:assert/strict'
import { createCipheriv, createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { fromHex, toHex } from '../src/bytes.ts'
import { HKDF_WASM } from '../src/kernels/hkdf.generated.ts'
import { HMAC_WASM } from '../src/kernels/hmac.generated.ts'
import { hmac12, hmac12OfRows, MAC_BYTES, MIDSTATE_BYTES, midstates, wipeHmac } from '../src/kernels/hmac.ts'
import { loadKernel } from '../src/kernels/load.ts'
import { RPI_WASM } from '../src/kernels/rpi.generated.ts'
import { SKINNY_WASM } from '../src/kernels/skinny.generated.ts'
import { eraseKey, type SkinnyKey, skinnyDecrypt, skinnyEncrypt, skinnyKey } from '../src/kernels/skinny.ts'
import * as readable from './oracle/skinny.ts'

const PLAIN = '530c61d35e8663c3'
const OFFICIAL = ['ed00c85b120d68618753e24bfd908f60b2dbb41b422dfcd0', 'dd2cf1a8f330303c'] as const
const SECOND = ['c85b120d68e24bfd906187538f60b2dbb41b422dfcd0ed00', '4bdcafff467a8029'] as const

/** Chance from a seed, fast enough for megabytes. */
function randomOf(seed: string): (length: number) => Uint8Array {
  const key = createHash('sha256').update(seed).digest()
  const stream = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  return (length) => new Uint8Array(stream.update(new Uint8Array(length)))
}

const encrypted = (key: SkinnyKey, blocks: Uint8Array): Uint8Array => {
  const copy = blocks.slice()
  skinnyEncrypt(key, copy)
  return copy
}
const decrypted = (key: SkinnyKey, blocks: Uint8Array): Uint8Array => {
  const copy = blocks.slice()
  skinnyDecrypt(key, copy)
  return copy
}
const readableEncryption = (key: Uint8Array, blocks: Uint8Array): Uint8Array => {
  const copy = blocks.slice()
  readable.skinnyEncrypt(readable.skinnyKey(key), copy)
  return copy
}
const readableDecryption = (key: Uint8Array, blocks: Uint8Array): Uint8Array => {
  const copy = blocks.slice()
  readable.skinnyDecrypt(readable.skinnyKey(key), copy)
  return copy
}
const same = (a: Uint8Array, b: Uint8Array, what = ''): void => assert.ok(Buffer.compare(a, b) === 0, what)

test('SKINNY-64/192: the official vector and the second key, in every place of a batch', () => {
  for (const [key, cipher] of [OFFICIAL, SECOND]) {
    const ready = skinnyKey(fromHex(key))
    const batch = fromHex(PLAIN.repeat(70))
    assert.equal(toHex(encrypted(ready, batch)), cipher.repeat(70))
    same(decrypted(ready, encrypted(ready, batch)), batch)
  }
})

test('SKINNY: a million random blocks as the readable form has them, both directions', () => {
  const random = randomOf('a million blocks')
  for (let part = 0; part < 10; part++) {
    const key = random(24)
    const blocks = random(8 * 100_000)
    const ready = skinnyKey(key)
    same(encrypted(ready, blocks), readableEncryption(key, blocks), `encryption, part ${part}`)
    same(decrypted(ready, blocks), readableDecryption(key, blocks), `decryption, part ${part}`)
  }
})

test('SKINNY: every count of blocks from 0 to 130 and around the size of a call, nothing beyond is touched', () => {
  const random = randomOf('counts')
  const key = random(24)
  const ready = skinnyKey(key)
  const counts = [...Array.from({ length: 131 }, (_, n) => n), 4095, 4096, 4097, 8191, 8192, 8193]
  for (const count of counts) {
    // Five bytes more: they are no block and stay as they are, in either form.
    const blocks = random(8 * count + 5)
    same(encrypted(ready, blocks), readableEncryption(key, blocks), `${count} blocks`)
    same(decrypted(ready, blocks), readableDecryption(key, blocks), `${count} blocks`)
  }
})

test('SKINNY: keys of 8 and 16 bytes too; other lengths are refused', () => {
  const random = randomOf('short keys')
  for (const length of [8, 16]) {
    const key = random(length)
    const blocks = random(8 * 333)
    same(encrypted(skinnyKey(key), blocks), readableEncryption(key, blocks))
    same(decrypted(skinnyKey(key), blocks), readableDecryption(key, blocks))
  }
  for (const length of [0, 7, 23, 25, 32]) assert.throws(() => skinnyKey(random(length)), RangeError)
})

test('SKINNY: any number of keys in turn, more than the module holds at once', () => {
  const random = randomOf('keys in turn')
  const keys = Array.from({ length: 21 }, () => random(24))
  const ready = keys.map(skinnyKey)
  const blocks = random(8 * 40)
  for (let turn = 0; turn < 200; turn++) {
    const k = random(1)[0]! % (turn % 2 === 0 ? 2 : keys.length)
    const cipher = readableEncryption(keys[k]!, blocks)
    same(encrypted(ready[k]!, blocks), cipher)
    same(decrypted(ready[k]!, cipher), blocks)
  }
})

test('SKINNY: an erased key is gone, another one stays; a key shows nothing of itself', () => {
  const [bytes, other] = [fromHex(OFFICIAL[0]), fromHex(SECOND[0])]
  const [key, kept] = [skinnyKey(bytes), skinnyKey(other)]
  const blocks = fromHex(PLAIN)
  assert.equal(toHex(encrypted(key, blocks)), OFFICIAL[1])
  assert.equal(toHex(encrypted(kept, blocks)), SECOND[1])
  assert.equal(JSON.stringify(key), '{}')
  assert.deepEqual(Reflect.ownKeys(key), [])
  eraseKey(key)
  eraseKey(key)
  assert.throws(() => skinnyEncrypt(key, blocks), /erased/)
  assert.throws(() => skinnyDecrypt(key, blocks), /erased/)
  assert.equal(toHex(encrypted(kept, blocks)), SECOND[1])
  // The same bytes make a new key, and bytes changed afterwards do not change it.
  const again = skinnyKey(bytes)
  bytes.fill(0)
  assert.equal(toHex(encrypted(again, blocks)), OFFICIAL[1])
})

test('the memory of a module never grows, so views of it never detach, and wiping leaves zeros', () => {
  for (const wasm of [SKINNY_WASM, HMAC_WASM]) {
    const { memory, call, constant } = loadKernel(wasm)
    const before = memory.length
    const skinny = wasm === SKINNY_WASM
    const written = skinny
      ? [constant('blocks'), 8 * constant('BLOCKS')]
      : [constant('keys'), MIDSTATE_BYTES * constant('ROWS')]
    const [at, length] = written as [number, number]
    memory.fill(0xa5, at, at + length)
    if (skinny) call('encrypt')(constant('keys'), constant('BLOCKS') / 32, 10)
    else call('fromKeys')(constant('ROWS') / 4, 16)
    assert.ok(memory.length === before && memory.length === 131_072)
    call('wipe')(skinny ? constant('BLOCKS') / 32 : constant('ROWS') / 4)
    assert.ok(memory.subarray(at, at + length).every((byte) => byte === 0))
  }
})

const row = (rows: Uint8Array, width: number, index: number) => rows.subarray(width * index, width * (index + 1))

function expectedMacs(keys: Uint8Array, messages: Uint8Array, stride: number): Uint8Array {
  const count = keys.length / 32
  const out = new Uint8Array(MAC_BYTES * count)
  for (let k = 0; k < count; k++) {
    const message = row(messages, stride, k).subarray(0, 12)
    const mac = createHmac('sha256', row(keys, 32, k))
      .update(message)
      .digest()
    out.set(mac.subarray(0, MAC_BYTES), MAC_BYTES * k)
  }
  return out
}

/** MACs from midstates, message k under row k. */
const inOrder = (table: Uint8Array, messages: Uint8Array): Uint8Array =>
  hmac12OfRows(
    table,
    Int32Array.from({ length: table.length / MIDSTATE_BYTES }, (_, k) => k),
    messages,
  )

test('HMAC-SHA256 from midstates: rows in any order and as often as one likes, from a table that begins on any 8 bytes', () => {
  const random = randomOf('rows')
  const keys = random(32 * 300)
  const table = new Uint8Array(64 * 300 + 8).subarray(8)
  table.set(midstates(keys))
  const rows = new Int32Array(3000)
  for (let k = 0; k < rows.length; k++) rows[k] = (k * k + 7) % 300
  const messages = random(12 * rows.length)
  const chosen = new Uint8Array(32 * rows.length)
  rows.forEach((row, k) => {
    chosen.set(keys.subarray(32 * row, 32 * (row + 1)), 32 * k)
  })
  same(hmac12OfRows(table, rows, messages), expectedMacs(chosen, messages, 12))
  assert.throws(() => hmac12OfRows(new Uint8Array(68).subarray(4), new Int32Array(1), new Uint8Array(12)), RangeError)
})

test('HMAC-SHA256: a hundred thousand random keys and messages as node:crypto has them, from keys and from midstates', () => {
  const random = randomOf('macs')
  const count = 100_000
  const [keys, messages] = [random(32 * count), random(12 * count)]
  const expected = expectedMacs(keys, messages, 12)
  same(hmac12(keys, messages), expected)
  same(inOrder(midstates(keys), messages), expected)
})

test('HMAC-SHA256: every count from 0 to 130 and around the size of a call, messages in rows of 12 and of 16', () => {
  const random = randomOf('mac counts')
  const counts = [...Array.from({ length: 131 }, (_, n) => n), 1023, 1024, 1025, 2047, 2048, 2049]
  for (const count of counts) {
    for (const stride of [12, 16]) {
      const [keys, messages] = [random(32 * count), random(stride * count)]
      const expected = expectedMacs(keys, messages, stride)
      same(hmac12(keys, messages), expected, `${count} keys`)
      same(inOrder(midstates(keys), messages), expected, `${count} midstates`)
    }
  }
})

test('HMAC-SHA256: extreme bytes; wiping does no harm; rows that do not fit are refused', () => {
  for (const byte of [0, 0x36, 0x5c, 0x80, 0xff]) {
    const [keys, messages] = [new Uint8Array(32 * 5).fill(byte), new Uint8Array(12 * 5).fill(byte)]
    same(hmac12(keys, messages), expectedMacs(keys, messages, 12))
    wipeHmac()
    same(inOrder(midstates(keys), messages), expectedMacs(keys, messages, 12))
  }
  const bytes = (length: number) => new Uint8Array(length)
  assert.throws(() => hmac12(bytes(32), bytes(13)), RangeError)
  assert.throws(() => hmac12(bytes(33), bytes(12)), RangeError)
  assert.throws(() => hmac12(bytes(64), bytes(12)), RangeError)
  assert.throws(() => hmac12OfRows(bytes(64), new Int32Array(1), bytes(13)), RangeError)
  assert.throws(() => midstates(bytes(31)), RangeError)
})

test('the modules are small', () => {
  const modules = [SKINNY_WASM, HMAC_WASM, HKDF_WASM, RPI_WASM].map((text) => Buffer.from(text, 'base64'))
  const size = modules.reduce((sum, { length }) => sum + length, 0)
  const zipped = modules.reduce((sum, bytes) => sum + gzipSync(bytes, { level: 9 }).length, 0)
  assert.ok(size < 60_000 && zipped < 15_000, `${size} bytes, ${zipped} compressed`)
})

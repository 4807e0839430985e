// The kernels of packages/protocol/src/kernels against what else could do their work.
import assert from 'node:assert/strict'
import { createCipheriv, createHmac, randomBytes } from 'node:crypto'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { hmac12, hmac12OfRows, midstates } from '../packages/protocol/src/kernels/hmac.ts'
import { skinnyDecrypt, skinnyEncrypt, skinnyKey } from '../packages/protocol/src/kernels/skinny.ts'
import * as readable from '../packages/protocol/test/oracle/skinny.ts'
import type { Bench, Group } from './group.ts'
import { AVX2, against, againstPeer, type Work } from './measure.ts'
import { nibbleDecryption } from './skinny-nibbles.ts'
import { tableDecryption } from './skinny-table.ts'

const BLOCKS = 4096
const MACS = 1024
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const row = (rows: Uint8Array, width: number, index: number) => rows.subarray(width * index, width * (index + 1))

const DECRYPT = 'SKINNY decrypt'
const ENCRYPT = 'SKINNY encrypt'
const MIDSTATES = 'HMAC from midstates'
const KEYS = 'HMAC from keys'
const AES = 'AES-ECB, one cipher'

async function compareSkinny(bench: Bench): Promise<void> {
  const bytes = random(24)
  const key = skinnyKey(bytes)
  const slow = readable.skinnyKey(bytes)
  const table = tableDecryption(bytes)
  const naive = nibbleDecryption(bytes)
  const plain = random(8 * BLOCKS)
  const [a, b, c] = [plain.slice(), plain.slice(), plain.slice()]
  skinnyEncrypt(key, a)
  readable.skinnyEncrypt(slow, b)
  assert.deepEqual(a, b)
  skinnyDecrypt(key, a)
  assert.deepEqual(a, plain)
  const one = b.slice(0, 8)
  assert.deepEqual(naive(one), plain.subarray(0, 8))
  table(b)
  assert.deepEqual(b, plain)
  const operations = BLOCKS
  const encrypt = { operations, run: () => skinnyEncrypt(key, a) }
  const decrypt = { operations, run: () => skinnyDecrypt(key, a) }
  const few = c.subarray(0, 8 * 512)
  const tables = { operations: 512, run: () => table(few) }
  const nibbles = { operations: 1, run: () => void naive(one) }
  const words = { operations: 512, run: () => readable.skinnyDecrypt(slow, few) }
  await bench.compare(DECRYPT, 'TypeScript with T-tables', () => against(decrypt, tables), 25)
  await bench.compare(DECRYPT, 'TypeScript, nibble by nibble', () => against(decrypt, nibbles), 300)
  await bench.compare(DECRYPT, 'TypeScript, rows in words', () => against(decrypt, words))
  const narrow = 'C, AVX2, 64 blocks at once'
  await bench.compare(DECRYPT, narrow, () => againstPeer(decrypt, 'skinny', 'decrypt', AVX2), 0.45)
  await bench.compare(ENCRYPT, narrow, () => againstPeer(encrypt, 'skinny', 'encrypt', AVX2), 0.28)
  const wider = 'C, AVX-512 where there is'
  await bench.compare(DECRYPT, wider, () => againstPeer(decrypt, 'skinny', 'decrypt', []))
  await bench.compare(ENCRYPT, wider, () => againstPeer(encrypt, 'skinny', 'encrypt', []))
}

async function compareMacs(bench: Bench): Promise<void> {
  const keys = random(32 * MACS)
  const messages = random(12 * MACS)
  const table = midstates(keys)
  const rows = Int32Array.from({ length: MACS }, (_, k) => k)
  const mac = (k: number) =>
    createHmac('sha256', row(keys, 32, k))
      .update(row(messages, 12, k))
      .digest()
  const noble = (k: number) => hmac(sha256, row(keys, 32, k), row(messages, 12, k))
  const [fast, faster] = [hmac12(keys, messages), hmac12OfRows(table, rows, messages)]
  for (let k = 0; k < MACS; k++) {
    const expected = new Uint8Array(mac(k).subarray(0, 8))
    assert.deepEqual(row(fast, 8, k), expected)
    assert.deepEqual(row(faster, 8, k), expected)
    assert.deepEqual(noble(k).slice(0, 8), expected)
  }
  let next = 0
  const one = (f: (k: number) => void) => () => {
    next = (next + 1) % MACS
    f(next)
  }
  const fromKeys = { operations: MACS, run: () => void hmac12(keys, messages) }
  const fromMidstates = { operations: MACS, run: () => void hmac12OfRows(table, rows, messages) }
  const node: Work = { operations: 1, run: one(mac) }
  const library: Work = { operations: 1, run: one(noble) }
  await bench.compare(MIDSTATES, 'node createHmac', () => against(fromMidstates, node), 10)
  await bench.compare(MIDSTATES, '@noble/hashes', () => against(fromMidstates, library), 20)
  await bench.compare(KEYS, 'node createHmac', () => against(fromKeys, node), 5)
  await bench.compare(KEYS, '@noble/hashes', () => against(fromKeys, library), 10)
  const tuned = 'C, SHA instructions, from keys'
  await bench.compare(MIDSTATES, tuned, () => againstPeer(fromMidstates, 'hmac', 'keys', AVX2), 0.5)
  const ready = 'C, SHA instructions, midstates'
  await bench.compare(MIDSTATES, ready, () => againstPeer(fromMidstates, 'hmac', 'midstates', AVX2))
  await bench.compare(KEYS, tuned, () => againstPeer(fromKeys, 'hmac', 'keys', AVX2))
}

async function compareAes(bench: Bench): Promise<void> {
  const key = random(16)
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  const blocks = random(16 * BLOCKS)
  const one = blocks.subarray(0, 16)
  const fresh = () => createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(one)
  assert.deepEqual(cipher.update(blocks).subarray(0, 16), fresh())
  const batch = { operations: BLOCKS, run: () => void cipher.update(blocks) }
  await bench.compare(AES, 'node, a cipher per block', () => against(batch, { operations: 1, run: fresh }), 200)
  await bench.compare(AES, 'C, AES instructions', () => againstPeer(batch, 'aes', '', AVX2), 0.25)
}

export const skinny: Group = { name: 'skinny', results: [DECRYPT, ENCRYPT], run: compareSkinny }
export const macs: Group = { name: 'hmac', results: [MIDSTATES, KEYS], run: compareMacs }
export const aes: Group = { name: 'aes', results: [AES], run: compareAes }

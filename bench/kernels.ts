// The kernels against what else could do their work; correctness first. node bench/kernels.ts [--only NAME] [--json]
import assert from 'node:assert/strict'
import { createCipheriv, createHmac, randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { hmac12, hmac12FromMidstates, midstates } from '../packages/protocol/src/kernels/hmac.ts'
import { skinnyDecrypt, skinnyEncrypt, skinnyKey } from '../packages/protocol/src/kernels/skinny.ts'
import * as readable from '../packages/protocol/test/oracle/skinny.ts'
import { against, againstPeer, compilePeer, line, type Result, result, type Work } from './measure.ts'
import { tableDecryption } from './skinny-table.ts'

const BLOCKS = 4096
const MACS = 1024
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const row = (rows: Uint8Array, width: number, index: number) => rows.subarray(width * index, width * (index + 1))
// "AVX2" is meant literally: with AVX-512 a compiler has three-operand logic and twice the registers.
const AVX2 = ['-mno-avx512f']

type Report = (result: Result) => void
type Note = (name: string, why: string) => void

/** Runs against a C program, or notes why not. */
function peer(report: Report, note: Note, name: string, program: string, flags: readonly string[]) {
  const compiled = compilePeer(program, flags)
  return (versus: string, mode: string, ours: Work, demand?: number): void => {
    if (typeof compiled === 'string') note(`${name} versus ${versus}`, compiled)
    else report(result(name, versus, againstPeer(ours, compiled, mode), demand))
  }
}

function skinny(report: Report, note: Note): void {
  const bytes = random(24)
  const key = skinnyKey(bytes)
  const slow = readable.skinnyKey(bytes)
  const table = tableDecryption(bytes)
  const plain = random(8 * BLOCKS)
  const [a, b, c] = [plain.slice(), plain.slice(), plain.slice()]
  skinnyEncrypt(key, a)
  readable.skinnyEncrypt(slow, b)
  assert.deepEqual(a, b)
  skinnyDecrypt(key, a)
  assert.deepEqual(a, plain)
  table(b)
  assert.deepEqual(b, plain)
  const operations = BLOCKS
  const encrypt = { operations, run: () => skinnyEncrypt(key, a) }
  const decrypt = { operations, run: () => skinnyDecrypt(key, a) }
  const few = c.subarray(0, 8 * 512)
  const tables = { operations: 512, run: () => table(few) }
  report(result('SKINNY decrypt', 'TypeScript with T-tables', against(decrypt, tables), 25))
  const plainForm = { operations: 512, run: () => readable.skinnyDecrypt(slow, few) }
  report(result('SKINNY decrypt', 'readable TypeScript', against(decrypt, plainForm)))
  peer(report, note, 'SKINNY decrypt', 'skinny', AVX2)('C, AVX2, 64 blocks at once', 'decrypt', decrypt, 0.45)
  peer(report, note, 'SKINNY encrypt', 'skinny', AVX2)('C, AVX2, 64 blocks at once', 'encrypt', encrypt, 0.28)
  const wider = 'C, AVX-512 where there is'
  peer(report, note, 'SKINNY decrypt', 'skinny', [])(wider, 'decrypt', decrypt)
  peer(report, note, 'SKINNY encrypt', 'skinny', [])(wider, 'encrypt', encrypt)
}

function macs(report: Report, note: Note): void {
  const keys = random(32 * MACS)
  const messages = random(12 * MACS)
  const rows = midstates(keys)
  const mac = (k: number) =>
    createHmac('sha256', row(keys, 32, k))
      .update(row(messages, 12, k))
      .digest()
  const noble = (k: number) => hmac(sha256, row(keys, 32, k), row(messages, 12, k))
  const [fast, faster] = [hmac12(keys, messages), hmac12FromMidstates(rows, messages)]
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
  const fromMidstates = { operations: MACS, run: () => void hmac12FromMidstates(rows, messages) }
  const node: Work = { operations: 1, run: one(mac) }
  const library: Work = { operations: 1, run: one(noble) }
  report(result('HMAC from midstates', 'node createHmac', against(fromMidstates, node), 10))
  report(result('HMAC from midstates', '@noble/hashes', against(fromMidstates, library), 20))
  report(result('HMAC from keys', 'node createHmac', against(fromKeys, node), 5))
  report(result('HMAC from keys', '@noble/hashes', against(fromKeys, library), 10))
  const c = peer(report, note, 'HMAC from midstates', 'hmac', AVX2)
  c('C, SHA instructions, from keys', 'keys', fromMidstates, 0.5)
  c('C, SHA instructions, midstates', 'midstates', fromMidstates)
  peer(report, note, 'HMAC from keys', 'hmac', AVX2)('C, SHA instructions, from keys', 'keys', fromKeys)
}

function aes(report: Report, note: Note): void {
  const key = random(16)
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  const blocks = random(16 * BLOCKS)
  const one = blocks.subarray(0, 16)
  const fresh = () => createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(one)
  assert.deepEqual(cipher.update(blocks).subarray(0, 16), fresh())
  const batch = { operations: BLOCKS, run: () => void cipher.update(blocks) }
  report(result('AES-ECB, one cipher', 'node, a cipher per block', against(batch, { operations: 1, run: fresh }), 200))
  peer(report, note, 'AES-ECB, one cipher', 'aes', AVX2)('C, AES instructions', '', batch, 0.25)
}

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, json: { type: 'boolean', default: false } },
})
const results: Result[] = []
const notes: string[] = []
for (const [name, group] of Object.entries({ skinny, hmac: macs, aes })) {
  if (!name.includes(values.only)) continue
  const report: Report = (done) => {
    results.push(done)
    if (!values.json) console.log(line(done))
  }
  group(report, (which, why) => notes.push(`not run: ${which}: ${why}`))
}
if (values.json) console.log(JSON.stringify(results, null, 2))
for (const note of notes) console.error(note)
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1

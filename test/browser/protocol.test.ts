// The protocol in a browser: the modules of phones and pages as they stand in the source, under a strict policy.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { fromHex, toHex } from '../../packages/protocol/src/bytes.ts'
import { midstates } from '../../packages/protocol/src/kernels/hmac.ts'
import { randomOf } from '../../packages/protocol/test/fixture.ts'
import * as readable from '../../packages/protocol/test/oracle/skinny.ts'
import { needsBrowser, openBrowser } from '../../packages/vicinity/test/browser.ts'
import type { Json } from '../kit/first/fields.ts'
import { ROOT } from '../tidy/source.ts'
import { runInBrowser } from './in-browser.ts'
import type * as kernels from './kernels-page.ts'
import type * as kit from './kit-page.ts'
import type * as modules from './modules-page.ts'
import { type Expected, publishedCases } from './published.ts'

const wanted = needsBrowser()
const pageOf = (name: string): URL => new URL(`./${name}-page.ts`, import.meta.url)
const readVectors = (name: string) => JSON.parse(readFileSync(`${ROOT}vectors/${name}`, 'utf8'))
const erased = 'RangeError: the SKINNY key was erased'

let browser: Browser
before(async () => {
  if (wanted.skip === undefined) browser = await openBrowser()
})
after(() => browser?.close())

const runKernels = async (given: Parameters<typeof kernels.run>[0]) =>
  (await runInBrowser<typeof kernels.run>(browser, pageOf('kernels'), given)).result
const runKit = (cases: Parameters<typeof kit.run>[0]) => runInBrowser<typeof kit.run>(browser, pageOf('kit'), cases)

test('in the browser SKINNY gives the published blocks, and an erased key none', wanted, async () => {
  type Vector = { readonly name: string; readonly key: string; readonly plaintext: string; readonly ciphertext: string }
  const vectors = readVectors('robert.json').skinny.vectors as readonly Vector[]
  assert.equal(vectors.length, 4)
  const given = vectors.map(({ key, plaintext }) => ({ key, plain: plaintext.repeat(70) }))
  const { skinny } = await runKernels({ skinny: given, hmac: [] })
  for (const [k, { name, plaintext, ciphertext }] of vectors.entries()) {
    const expected = { cipher: ciphertext.repeat(70), plain: plaintext.repeat(70), refused: [erased, erased] }
    assert.deepEqual(skinny[k], expected, name)
  }
})

function readableCipher(key: string, plain: string): string {
  const blocks = fromHex(plain)
  readable.skinnyEncrypt(readable.skinnyKey(fromHex(key)), blocks)
  return toHex(blocks)
}

test(
  'in the browser SKINNY encrypts and decrypts random blocks as the readable form does in Node',
  wanted,
  async () => {
    const random = randomOf('blocks for the browser')
    // Below, at and above the 32 blocks of a pass and the 4096 of a call, under more keys at a time than the module holds.
    const counts = [0, 1, 31, 32, 33, 100, 1000, 4095, 4096, 4097, 10_000]
    const given = counts.map((count) => ({ key: toHex(random(24)), plain: toHex(random(8 * count)) }))
    const { skinny } = await runKernels({ skinny: given, hmac: [] })
    for (const [k, { key, plain }] of given.entries()) {
      const { cipher, plain: back, refused } = skinny[k]!
      assert.ok(cipher === readableCipher(key, plain), `${counts[k]} blocks`)
      assert.ok(back === plain, `${counts[k]} blocks`)
      assert.deepEqual(refused, [erased, erased])
    }
  },
)

/** Message k under the key of row `rows[k]`. */
function macsInNode(keys: string, messages: string, rows: readonly number[]): string {
  const macs = rows.map((row, k) =>
    createHmac('sha256', fromHex(keys.slice(64 * row, 64 * (row + 1))))
      .update(fromHex(messages.slice(24 * k, 24 * (k + 1))))
      .digest('hex')
      .slice(0, 16),
  )
  return macs.join('')
}

test(
  'in the browser HMAC-SHA256 of random rows, under their own keys and under any of a table, is what Node gives',
  wanted,
  async () => {
    const random = randomOf('rows for the browser')
    const counts = [0, 1, 3, 4, 5, 100, 1023, 1024, 1025, 3000]
    const given = counts.map((count) => ({
      keys: toHex(random(32 * count)),
      messages: toHex(random(12 * count)),
      // Some keys often, some never, in no order.
      rows: Array.from({ length: count }, (_, k) => (k * k + 7) % count),
    }))
    const { hmac } = await runKernels({ skinny: [], hmac: given })
    for (const [k, { keys, messages, rows }] of given.entries()) {
      const inOrder = rows.map((_, row) => row)
      assert.ok(hmac[k]!.macs === macsInNode(keys, messages, inOrder), `${counts[k]} messages`)
      assert.ok(hmac[k]!.macsOfRows === macsInNode(keys, messages, rows), `${counts[k]} rows`)
      assert.ok(hmac[k]!.midstates === toHex(midstates(fromHex(keys))), `${counts[k]} keys`)
    }
  },
)

test(
  'in the browser the protocol gives the published EBIDs, ECCs, keys, HELLOs, requests and times',
  wanted,
  async () => {
    const cases = publishedCases(readVectors('robert.json'))
    const { result } = await runKit(cases.map(({ section, input }) => ({ section, input })))
    const found = (expected: Expected, answer: unknown) =>
      Object.fromEntries(Object.keys(expected).map((name) => [name, (answer as Expected)[name]]))
    for (const [k, { section, name, expected }] of cases.entries()) {
      assert.deepEqual(found(expected, result[k]), expected, `${section}: ${name}`)
    }
    const counts = Object.groupBy(cases, ({ section }) => section)
    assert.deepEqual(Object.fromEntries(Object.entries(counts).map(([section, of]) => [section, of!.length])), {
      ebid: 7,
      ecc: 8,
      hello: 4,
      keys: 2,
      request: 7,
      time: 9,
      tolerance: 17,
    })
  },
)

test('in the browser the protocol answers every case of the conformance kit', wanted, async () => {
  type Entry = { readonly name: string; readonly input: Json; readonly expected: Json }
  const sections = Object.entries(readVectors('vicinity.json').sections as Record<string, readonly Entry[]>)
  const cases = sections.flatMap(([section, entries]) => entries.map((entry) => ({ section, ...entry })))
  const { result, loaded } = await runKit(cases.map(({ section, input }) => ({ section, input })))
  for (const [k, { section, name, expected }] of cases.entries()) {
    assert.deepEqual(result[k], expected, `${section}: ${name}`)
  }
  assert.ok(cases.length >= 240 && result.length === cases.length)
  // It was the library as browsers get it.
  for (const path of ['crypto/noble', 'kernels/skinny.generated', 'robert/contact', 'upload/token']) {
    assert.ok(loaded.includes(`packages/protocol/src/${path}.ts`), path)
  }
  assert.ok(!loaded.includes('packages/protocol/src/crypto/node.ts'))
})

test('every module of the protocol and of the core of the phone loads in the browser', wanted, async () => {
  const exclude = ['packages/protocol/src/crypto/node.ts', 'packages/client/src/hosts/**']
  const paths = globSync('packages/{protocol,client}/src/**/*.ts', { cwd: ROOT, exclude })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
  assert.ok(paths.length >= 40)
  const { result } = await runInBrowser<typeof modules.run>(browser, pageOf('modules'), paths)
  assert.deepEqual(
    result.map(([path]) => path),
    paths,
  )
  const names = new Map(result)
  assert.ok(names.get('packages/protocol/src/robert/index.ts')! > 50)
  assert.ok(names.get('packages/client/src/index.ts')! > 5)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ascii, fromHex, toHex } from '../src/bytes.ts'
import { gcmSeal } from '../src/crypto/node.ts'
import { Malformed } from '../src/outcome.ts'
import { LONGEST_LIST } from '../src/robert/constants.ts'
import { makeList, openFrom } from '../src/robert/list.ts'
import { jsonLists } from '../src/robert/list-json.ts'
import { PARAMETERS } from '../src/robert/parameters.ts'
import { PROFILES, parametersFor, SPEC, TAC } from '../src/robert/profile.ts'
import { type Epoch, LAST_EPOCH } from '../src/time.ts'
import { ALICE, backEnd, holds, randomOf, readVectors } from './fixture.ts'

interface Vectors {
  readonly tuples: readonly Readonly<Record<'name' | 'kEnc' | 'iv' | 'plaintextUtf8' | 'blob' | 'base64', string>>[]
  readonly sizes: Readonly<
    Record<
      'tacTuplesPlainBytes384' | 'tacTuplesBlobBytes384' | 'tacTuplesBase64Chars384' | 'packed9ByteTuples384',
      number
    >
  >
}
const { tuples, sizes } = readVectors('robert.json') as Vectors
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const refuses = (json: string | Uint8Array, field: RegExp | string = 'list') =>
  assert.throws(
    () => TAC.listCodec.decode(typeof json === 'string' ? ascii(json) : json, 'list'),
    (error) =>
      error instanceof Malformed && (typeof field === 'string' ? error.field === field : field.test(error.field)),
    typeof json === 'string' ? json : toHex(json),
  )

test('profile tac: the published list of the deployed system opens, decodes, encodes and seals to the same bytes', () => {
  for (const vector of tuples) {
    const plaintext = openFrom(fromHex(vector.kEnc), fromHex(vector.blob))!
    const list = TAC.listCodec.decode(plaintext, 'list')
    assert.equal(list.first, 66_855)
    assert.equal(toHex(list.pairs), 'caa7d5b0fba7aea7c2' + '26b04d1c14c7404f63')
    const again = TAC.listCodec.encode(list, 2)
    assert.equal(text(again), vector.plaintextUtf8)
    const sealed = vector.iv + toHex(gcmSeal(fromHex(vector.kEnc), fromHex(vector.iv), again))
    assert.equal(sealed, vector.blob)
    assert.equal(Buffer.from(sealed, 'hex').toString('base64'), vector.base64)
  }
  assert.equal(tuples.length, 1)
})

test('the sizes of 384 identifiers in the deployed form and in the packed one', () => {
  const list = makeList(backEnd, ALICE.id, 66_855 as Epoch, 384)
  const plain = TAC.listCodec.encode(list, 384)
  assert.equal(plain.length, sizes.tacTuplesPlainBytes384)
  assert.equal(12 + plain.length + 16, sizes.tacTuplesBlobBytes384)
  assert.equal(4 * Math.ceil((12 + plain.length + 16) / 3), sizes.tacTuplesBase64Chars384)
  assert.equal(SPEC.listCodec.encode(list, 384).length - 6, sizes.packed9ByteTuples384)
})

for (const { name, listCodec } of PROFILES) {
  test(`profile ${name}: a list of any length encodes and decodes to itself`, () => {
    holds(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(LAST_EPOCH - 300), (count, first) => {
        const list = { first: first as Epoch, pairs: randomOf(`${count}`)(9 * count) }
        const { first: epoch, pairs } = listCodec.decode(listCodec.encode(list, 300), 'list')
        assert.equal(epoch, first)
        assert.equal(toHex(pairs), toHex(list.pairs))
      }),
      100,
    )
  })

  test(`profile ${name}: whatever the bytes are, they decode or are Malformed`, () => {
    const good = listCodec.encode(makeList(backEnd, ALICE.id, 95 as Epoch, 6), 6)
    const changed = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => good.with(at, byte))
    const cut = fc.nat(good.length).map((length) => good.subarray(0, length))
    const json = fc.json().map(ascii)
    holds(
      fc.property(fc.oneof(changed, cut, json, fc.uint8Array()), (bytes) => {
        try {
          const list = listCodec.decode(bytes, 'list')
          // Where it decodes, nothing of it was lost.
          if (name === 'tac') assert.equal(text(listCodec.encode(list, 6)), text(bytes))
        } catch (error) {
          assert.ok(error instanceof Malformed)
        }
      }),
      1000,
    )
  })
}

const entry = (epochId: unknown, ebid = 'yqfVsPunrqc=', ecc = 'wg==') =>
  `{"epochId":${epochId},"key":{"ebid":"${ebid}","ecc":"${ecc}"}}`

test('profile tac: one list has one form', () => {
  const { first, pairs } = TAC.listCodec.decode(ascii(`[${entry(7)},${entry(8)}]`), 'list')
  assert.deepEqual([first, pairs.length], [7, 18])
  for (const other of [
    `[${entry(7)}, ${entry(8)}]`,
    `[${entry(7)},${entry(8)}]\n`,
    `[${entry(8)},${entry(7)}]`,
    `[${entry(7)},${entry(7)}]`,
    `[${entry(7)},${entry(9)}]`,
    `[${entry('7.0')}]`,
    `[${entry('-0')}]`,
    `[{"key":{"ebid":"yqfVsPunrqc=","ecc":"wg=="},"epochId":7}]`,
    `[{"epochId":6,"epochId":7,"key":{"ebid":"yqfVsPunrqc=","ecc":"wg=="}}]`,
    `[${entry(7, 'yqfVsPunrqc')}]`,
    `[${entry(7, 'yqfVsPunrqc==')}]`,
    `[${entry(7, '\\u0079qfVsPunrqc=')}]`,
    `[${entry(7, '_-fVsPunrqc=')}]`,
  ]) {
    refuses(other)
  }
})

test('profile tac: what has another shape is Malformed, and the field is named', () => {
  for (const none of [
    '',
    '[',
    'null]',
    `[${entry('07')}]`,
    new Uint8Array([0xff]),
    new Uint8Array([0xef, 0xbb, 0xbf, 0x5b, 0x5d]),
  ]) {
    refuses(none)
  }
  for (const shape of ['{}', 'null', '1', '"text"']) refuses(shape)
  refuses(`[${entry(-1)}]`, 'list[0].epochId')
  refuses(`[${entry(LAST_EPOCH + 1)}]`, 'list[0].epochId')
  refuses(`[${entry(1)},${entry('"2"')}]`, 'list[1].epochId')
  refuses('[{"epochId":1}]', 'list[0].key')
  refuses('[{"epochId":1,"key":{"ebid":"yqfVsPunrqc=","ecc":1}}]', 'list[0].key.ecc')
  refuses('[{"epochId":1,"key":{"ebid":"yqfVsPunrqc=","ecc":"wg==","more":1}}]', 'list[0].key.more')
  refuses(`[${entry(1, 'yqfVsPunrqc=', 'wgE=')}]`, 'list[0].key.ecc')
  refuses(`[${entry(1, '')}]`, 'list[0].key.ebid')
  refuses(`[${entry(1, 'yqfVsPunrqd=')}]`, 'list[0].key.ebid')
})

test('profile tac: a list is bounded, and the longest that a service can make fits', () => {
  refuses(' '.repeat(LONGEST_LIST + 1))
  const most = (PARAMETERS.bundleDays.most + 1) * (86_400 / PARAMETERS.epochDuration.least) + 1
  const longest = { first: (LAST_EPOCH - most) as Epoch, pairs: randomOf('pairs')(9 * most) }
  for (const { listCodec } of PROFILES) assert.ok(listCodec.encode(longest, most).length <= LONGEST_LIST)
  assert.throws(() => jsonLists.encode(longest, most - 1), /broken promise/)
  assert.deepEqual(
    TAC.listCodec.decode(TAC.listCodec.encode({ first: 7 as Epoch, pairs: new Uint8Array(0) }, 0), 'list'),
    {
      first: 0,
      pairs: new Uint8Array(0),
    },
  )
})

test('the parameters of profile tac are those that were deployed, and can be replaced', () => {
  const { helloTolerance, statusGap, notifiedDays, codeDays } = parametersFor(TAC)
  assert.deepEqual([helloTolerance, statusGap, notifiedDays, codeDays], [180, 2, 7, 10])
  assert.equal(parametersFor(TAC, { helloTolerance: 30 }).helloTolerance, 30)
  assert.equal(parametersFor(SPEC).helloTolerance, 12)
  assert.throws(() => parametersFor(TAC, { helloTolerance: 0 }), RangeError)
})

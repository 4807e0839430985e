import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DAY_SECONDS,
  dayOf,
  finishToken,
  issuerDayKey,
  later,
  Malformed,
  requestToken,
  type UnixSeconds,
  type UtcDay,
  verifyToken,
} from '@vicinity/protocol'
import { dispatch } from '../src/dispatch.ts'
import { hashOfCode, spellCode } from '../src/flows/authority/code.ts'
import {
  AUTHORITY,
  AUTHORITY_TOKEN,
  type BackEnd,
  backEnd,
  countRows,
  dump,
  NOON,
  pass,
  randomOf,
  TODAY,
} from './fixture.ts'

const refusedAs = (reason: string) => (error: Error) => error.name === 'Refused' && error.message === reason
const namesField = (field: string) => (error: Error) => error instanceof Malformed && error.field === field
const WINDOW = { contagiousFrom: later(NOON, -3 * DAY_SECONDS), contagiousTo: NOON }
const requests = (name: string, count = 2) => {
  const random = randomOf(name)
  return Array.from({ length: count }, () => random(32))
}
const issue = async (server: BackEnd) => (await server.asAuthority('issueCode', WINDOW)).code
const redeem = (
  server: BackEnd,
  code: string,
  changes: { day?: number; chunk?: number; requests?: Uint8Array[] } = {},
) =>
  server.call('redeemCode', {
    code,
    chunk: 0,
    requests: requests('first'),
    ...changes,
    day: (changes.day ?? TODAY) as UtcDay,
  })

test('only the health authority issues codes', async (t) => {
  const server = await backEnd(t)
  const before = dump(server.path)
  const wrong = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    AUTHORITY_TOKEN,
    `Basic ${AUTHORITY_TOKEN}`,
    `bearer ${AUTHORITY_TOKEN}`,
    `${AUTHORITY} `,
    AUTHORITY.slice(0, -1),
    `Bearer ${AUTHORITY_TOKEN.toUpperCase()}`,
    'Bearer undefined',
  ]
  for (const authorization of wrong) {
    await assert.rejects(dispatch(server.deps, 'issueCode', WINDOW, authorization, NOON), refusedAs('authorization'))
  }
  assert.equal(dump(server.path), before)
  assert.equal((await server.asAuthority('issueCode', WINDOW)).expires, later(NOON, 3 * DAY_SECONDS))
})

test('a back-end without a token of the authority issues no codes, whatever is sent', async (t) => {
  const server = await backEnd(t, { settings: { authorityToken: undefined } })
  for (const authorization of [undefined, 'Bearer ', 'Bearer undefined', AUTHORITY]) {
    await assert.rejects(dispatch(server.deps, 'issueCode', WINDOW, authorization, NOON), refusedAs('authorization'))
  }
})

test('a contagious window is of the past, not empty and at most CT long', async (t) => {
  const server = await backEnd(t)
  const window = (from: number, to: number) => ({ contagiousFrom: later(NOON, from), contagiousTo: later(NOON, to) })
  const refused: readonly (readonly [number, number, string])[] = [
    [0, 0, 'contagiousTo'],
    [0, -1, 'contagiousTo'],
    [0, DAY_SECONDS + 1, 'contagiousTo'],
    [-14 * DAY_SECONDS - 1, 0, 'contagiousFrom'],
  ]
  for (const [from, to, field] of refused) {
    await assert.rejects(server.asAuthority('issueCode', window(from, to)), namesField(field), `${from} ${to}`)
  }
  assert.equal(countRows(server.path, 'code'), 0)
  for (const [from, to] of [
    [-1, 0],
    [-14 * DAY_SECONDS, 0],
    [-13 * DAY_SECONDS, DAY_SECONDS],
  ] as const) {
    const { code } = await server.asAuthority('issueCode', window(from, to))
    const { contagiousFrom, contagiousTo } = await server.call('codeWindow', { code })
    assert.deepEqual({ contagiousFrom, contagiousTo }, window(from, to))
  }
})

test('a code has 80 random bits in letters that can be read out, and the store holds its hash only', async (t) => {
  const server = await backEnd(t)
  const codes = await Promise.all(Array.from({ length: 200 }, () => issue(server)))
  assert.equal(new Set(codes).size, 200)
  const letters = new Set(codes.join('').replaceAll('-', ''))
  for (const code of codes) assert.match(code, /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/)
  assert.equal(letters.size, 32)
  const text = dump(server.path)
  for (const code of codes) {
    assert.ok(!text.includes(code) && !text.includes(Buffer.from(code.replaceAll('-', '')).toString('hex')))
  }
})

test('case, dashes, and letters that look alike do not matter: O is 0, I and L are 1', async (t) => {
  const bytes = Uint8Array.from([0, 1, 10, 17, 0, 1, 11, 18, 0, 1, 12, 19, 0, 1, 13, 31])
  const code = spellCode(() => bytes)
  assert.equal(code, '01AH-01BJ-01CK-01DZ')
  const server = await backEnd(t)
  const { contagiousFrom, contagiousTo } = WINDOW
  const expires = later(NOON, 60)
  await server.deps.store.transaction((tx) =>
    tx.addCode({ hash: hashOfCode(code), contagiousFrom, contagiousTo, expires }),
  )
  for (const spelled of ['01ah-01bj-01ck-01dz', '01AH01BJ01CK01DZ', 'OIAH-olbj-OLCK-oidz', 'OLAH01bj-O1CKo1DZ']) {
    assert.equal((await server.call('codeWindow', { code: spelled })).contagiousTo, NOON, spelled)
  }
  await assert.rejects(server.call('codeWindow', { code: '01AH-01BJ-01CK-01DY' }), refusedAs('codeUnknown'))
})

test('a guessed code and one that expired are refused alike (T-30)', async (t) => {
  const server = await backEnd(t)
  const code = await issue(server)
  const random = randomOf('guess')
  for (let guess = 0; guess < 500; guess++) {
    await assert.rejects(server.call('codeWindow', { code: spellCode(random) }), refusedAs('codeUnknown'))
    await assert.rejects(redeem(server, spellCode(random)), refusedAs('codeUnknown'))
  }
  server.clock.now = later(NOON, 3 * DAY_SECONDS - 1)
  await server.call('codeWindow', { code })
  pass(server, 1)
  await assert.rejects(server.call('codeWindow', { code }), refusedAs('codeUnknown'))
  await assert.rejects(redeem(server, code), refusedAs('codeUnknown'))
  assert.equal(countRows(server.path, 'code_chunk'), 0)
})

test('a chunk is bound to its first requests: the same again get the same tokens, others none', async (t) => {
  const server = await backEnd(t)
  const code = await issue(server)
  const first = await redeem(server, code)
  assert.deepEqual(await redeem(server, code.toLowerCase()), first)
  await assert.rejects(redeem(server, code, { requests: requests('second') }), refusedAs('chunkTaken'))
  await assert.rejects(redeem(server, code, { requests: requests('first').reverse() }), refusedAs('chunkTaken'))
  assert.deepEqual(await redeem(server, code), first)
  await redeem(server, code, { chunk: 1, requests: requests('second') })
  await redeem(server, code, { day: TODAY - 1, requests: requests('second') })
  assert.equal(countRows(server.path, 'code_chunk'), 3)
})

test('of 16 parallel redemptions of one chunk with other requests one succeeds', async (t) => {
  const server = await backEnd(t)
  const code = await issue(server)
  const all = Array.from({ length: 16 }, (_, n) => redeem(server, code, { requests: requests(`phone ${n}`) }))
  const settled = await Promise.allSettled(all)
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('every day has as many tokens for everybody: whole chunks, no fewer, no more', async (t) => {
  const server = await backEnd(t, { parameters: { tokensPerDay: 5, tokenChunk: 2 } })
  const code = await issue(server)
  const before = dump(server.path)
  for (const [chunk, count, field] of [
    [0, 1, 'requests'],
    [0, 3, 'requests'],
    [2, 2, 'requests'],
    [3, 1, 'chunk'],
    [255, 1, 'chunk'],
  ] as const) {
    const asked = redeem(server, code, { chunk, requests: requests('a', count) })
    await assert.rejects(asked, namesField(field), `${count} in chunk ${chunk}`)
  }
  assert.equal(dump(server.path), before)
  for (const [chunk, count] of [
    [0, 2],
    [1, 2],
    [2, 1],
  ] as const) {
    const { responses } = await redeem(server, code, { chunk, requests: requests(`${chunk}`, count) })
    assert.equal(responses.length, count)
  }
})

test('tokens are for the days that the window touches, each for its own day', async (t) => {
  const server = await backEnd(t)
  const code = await issue(server)
  for (const day of [TODAY - 4, TODAY + 1, 0, 65_535]) {
    await assert.rejects(redeem(server, code, { day }), refusedAs('dayOutsideWindow'))
  }
  const item = randomOf('item')(21)
  const secret = randomOf('secret')(32)
  const { request, pending } = requestToken(item, secret)
  for (const day of [TODAY - 3, TODAY - 2, TODAY - 1, TODAY]) {
    const { responses } = await redeem(server, code, { day, requests: [request, request] })
    const token = finishToken(pending, responses[0]!)
    for (const tried of [TODAY - 3, TODAY - 2, TODAY - 1, TODAY]) {
      const dayKey = issuerDayKey(server.deps.keys.issuerKey, tried as UtcDay)
      assert.equal(verifyToken(dayKey, item, secret, token), tried === day)
    }
  }
  assert.equal(dayOf(WINDOW.contagiousFrom as UnixSeconds), TODAY - 3)
})

test("the authority's tables hold nothing of a phone, and the users' side nothing of a code", async (t) => {
  const server = await backEnd(t)
  const tables = () => new Map<string, unknown>(JSON.parse(dump(server.path)))
  const before = tables()
  await redeem(server, await issue(server))
  const changed = [...tables()].filter(([name, rows]) => JSON.stringify(rows) !== JSON.stringify(before.get(name)))
  assert.deepEqual(
    changed.map(([name]) => name),
    ['code', 'code_chunk'],
  )
})

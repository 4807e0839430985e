// What the verification server keeps, what its answers give away, and that nobody guesses a code.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ascii, later, toHex } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import { ANSWER_BYTES, answer } from '../src/flows/verification/answers.ts'
import { issueCode, readIssueRequest } from '../src/flows/verification/issue-code.ts'
import { keepVerification } from '../src/flows/verification/keep-verification.ts'
import { drawShortCode } from '../src/flows/verification/secrets.ts'
import { jobsOf } from '../src/jobs.ts'
import { countRows, dump, NOON, pass, randomOf } from './fixture.ts'
import { DATES, MAC, type VerificationServer, verificationServer } from './verification-fixture.ts'

const DAY = 86_400
const CHAFF = { headers: { 'x-chaff': '1' } }
const SENT = { phone: '+33612345678', onlyGenerateSMS: true }

/** The statements that one call runs. */
async function statementsOf(server: VerificationServer, call: () => Promise<unknown>): Promise<readonly string[]> {
  server.statements.length = 0
  await call()
  return [...server.statements]
}

async function longCode(server: VerificationServer): Promise<{ readonly short: string; readonly long: string }> {
  const { said } = await server.post('/api/issue', { testType: 'confirmed', ...DATES, ...SENT })
  return { short: String(said['code']), long: /: (\w{16}) /.exec(String(said['generatedSMS']))![1]! }
}

test('verify: real, chaff, wrong, used, expired and unsuited codes run the same statements in the same order', async (t) => {
  const server = await verificationServer(t)
  const [code, old, likely] = [await server.code(), await server.code(), await server.code({ testType: 'likely' })]
  const run = (body: object, options = {}) => statementsOf(server, () => server.post('/api/verify', body, options))
  const real = await run({ code })
  assert.deepEqual(real, [
    'begin',
    'tally',
    'verificationCode',
    'claimVerificationCode',
    'keepReport',
    'addVerificationToken',
    'addToTally',
    'commit',
  ])
  assert.deepEqual(await run({ code: await server.code() }, CHAFF), real)
  assert.deepEqual(await run({}, CHAFF), real)
  assert.deepEqual(await run({ code }), real)
  assert.deepEqual(await run({ code: '12345678' }), real)
  assert.deepEqual(await run({ code: likely, accept: ['confirmed'] }), real)
  pass(server, 900)
  assert.deepEqual(await run({ code: old }), real)
})

test('certificate: real, chaff and used tokens run the same statements in the same order', async (t) => {
  const server = await verificationServer(t)
  const token = await server.token()
  const run = (body: object, options = {}) => statementsOf(server, () => server.post('/api/certificate', body, options))
  const real = await run({ token, ekeyhmac: MAC })
  assert.deepEqual(real, ['begin', 'spendVerificationToken', 'addToTally', 'commit'])
  assert.deepEqual(await run({ token: 'none', ekeyhmac: '' }, CHAFF), real)
  assert.deepEqual(await run({ token, ekeyhmac: MAC }), real)
})

test('answers to phones have one size, whatever they say: 100 real and 100 chaff of each, and every refusal', async (t) => {
  const server = await verificationServer(t)
  const sizes = new Set<number>()
  const statuses = new Map<number, number>()
  const send = async (path: string, body: object, options = {}) => {
    const reply = await server.post(path, body, options)
    sizes.add(reply.size)
    statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1)
    return reply
  }
  for (let round = 0; round < 100; round++) {
    const testType = ['confirmed', 'likely', 'negative'][round % 3]
    const { said } = await send('/api/verify', { code: await server.code({ testType }) })
    await send('/api/certificate', { token: said['token'], ekeyhmac: MAC })
    for (const path of ['/api/verify', '/api/certificate']) {
      assert.deepEqual((await send(path, {}, CHAFF)).said, {})
    }
  }
  assert.deepEqual([...statuses], [[200, 400]])
  await send('/api/verify', { code: 'x' })
  await send('/api/verify', { unknown: 1 })
  await send('/api/verify', {}, { key: 'no' })
  await send('/api/certificate', {})
  await send('/api/user-report', {})
  await send('/api/user-report', {}, CHAFF)
  assert.deepEqual([...sizes], [ANSWER_BYTES])
})

test('an answer of any length is JSON of a whole number of sizes, with at least 1 KiB of padding that never repeats', () => {
  const random = randomOf('answer')
  for (let length = 0; length < 2 * ANSWER_BYTES; length += 37) {
    const bytes = answer(random, 200, { text: 'é'.repeat(length % 7) + 'a'.repeat(length) }).body as Uint8Array
    assert.equal(bytes.length % ANSWER_BYTES, 0)
    const { padding } = JSON.parse(Buffer.from(bytes).toString())
    assert.ok(Buffer.from(padding, 'base64').length >= 1022 && padding.length % 4 === 0)
  }
  assert.notDeepEqual(answer(random, 200, {}).body, answer(random, 200, {}).body)
})

test('chaff leaves nothing but a count by the quarter of an hour, and uses up nothing', async (t) => {
  const server = await verificationServer(t)
  const code = await server.code()
  const token = await server.token()
  const tables = () => new Map<string, unknown>(JSON.parse(dump(server.path)))
  const before = tables()
  for (let round = 0; round < 5; round++) {
    await server.post('/api/verify', { code }, CHAFF)
    await server.post('/api/certificate', { token, ekeyhmac: MAC }, CHAFF)
    await server.post('/api/user-report', {}, CHAFF)
  }
  const after = tables()
  const changed = [...after].filter(([name, rows]) => JSON.stringify(rows) !== JSON.stringify(before.get(name)))
  assert.deepEqual(
    changed.map(([name]) => name),
    ['verification_tally'],
  )
  const [row] = after.get('verification_tally') as Record<string, number>[]
  assert.deepEqual(row, { window: NOON / 900, calls: 1, chaff: 15, wrong: 0, issued: 2 })
  assert.equal((await server.post('/api/verify', { code })).status, 200)
  assert.equal((await server.post('/api/certificate', { token, ekeyhmac: MAC })).status, 200)
})

test('the store holds no code, handle, phone number, nonce or token, nor a hash of one that can be tried out', async (t) => {
  const messages: string[] = []
  const server = await verificationServer(t, {
    testTypes: ['confirmed', 'user-report'],
    sendMessage: async (_phone, text) => void messages.push(text),
  })
  const uuid = 'deadbeef-89ab-4cde-8f01-23456789abcd'
  const { short, long } = await longCode(server)
  const handled = await server.code({ uuid })
  const token = await server.token()
  const nonce = randomOf('nonce')(256)
  const nonceText = Buffer.from(nonce).toString('base64')
  await server.post('/api/user-report', { ...DATES, phone: '+4915112345678', nonce: nonceText })
  const sent = /\d{8}/.exec(messages[0]!)![0]
  const text = dump(server.path)
  const jti = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).jti
  const secrets = [short, long, handled, sent, uuid, SENT.phone, '+4915112345678', jti, token]
  for (const secret of secrets) {
    const forms = [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('base64')]
    forms.push(toHex(sha256(ascii(secret))), toHex(sha256(ascii(`code ${secret}`))))
    for (const form of forms) assert.ok(!text.includes(form), form)
  }
  assert.ok(!text.includes(toHex(nonce).slice(0, 64)) && !text.includes(nonceText.slice(0, 40)))
})

test('after some wrong codes no short code is looked at until the next quarter of an hour; long ones always are', async (t) => {
  const server = await verificationServer(t, { wrongCodes: 5 })
  const [code, likely] = [await server.code(), await server.code({ testType: 'likely' })]
  const { short, long } = await longCode(server)
  const verify = async (body: object, options = {}) => (await server.post('/api/verify', body, options)).errorCode
  // None of these counts: chaff, a long code that does not exist, a code of a type that the phone does not take.
  for (let round = 0; round < 10; round++) {
    await verify({ code: '00000000' }, CHAFF)
    assert.equal(await verify({ code: 'a'.repeat(16) }), 'code_invalid')
    assert.equal(await verify({ code: likely, accept: ['confirmed'] }), 'unsupported_test_type')
  }
  for (let round = 0; round < 5; round++) assert.equal(await verify({ code: `0000000${round}` }), 'code_invalid')
  assert.equal(await verify({ code }), 'quota_exceeded')
  assert.equal(await verify({ code: short }), 'quota_exceeded')
  assert.equal(await verify({ code: long }), undefined)
  server.clock.now = later(NOON, 899)
  assert.equal(await verify({ code }), 'quota_exceeded')
  pass(server, 1)
  const fresh = await server.code()
  assert.equal(await verify({ code }), 'code_expired')
  assert.equal(await verify({ code: fresh }), undefined)
})

test('of 1000 guesses none is a code, and all but 300 are not even looked at', async (t) => {
  const server = await verificationServer(t)
  const codes = new Set(await Promise.all(Array.from({ length: 50 }, () => server.code())))
  const random = randomOf('guesses')
  const answers = new Map<unknown, number>()
  for (let guess = 0; guess < 1000; guess++) {
    const code = drawShortCode(random)
    assert.ok(!codes.has(code))
    const { errorCode } = await server.post('/api/verify', { code })
    answers.set(errorCode, (answers.get(errorCode) ?? 0) + 1)
  }
  assert.deepEqual(
    [...answers],
    [
      ['code_invalid', 300],
      ['quota_exceeded', 700],
    ],
  )
  assert.equal(server.deps.counts.get('verification.tooManyWrongCodes'), 700)
})

test('short codes use all digits alike, and a code that is taken is drawn again', async (t) => {
  const random = randomOf('codes')
  const counts = new Array<number>(10).fill(0)
  for (let k = 0; k < 2000; k++) for (const digit of drawShortCode(random)) counts[Number(digit)]! += 1
  for (const count of counts) assert.ok(Math.abs(count - 1600) < 200, `${counts}`)
  assert.equal(
    drawShortCode((length) => new Uint8Array(length)),
    '00000000',
  )
  const server = await verificationServer(t)
  const codes = await Promise.all(Array.from({ length: 100 }, () => server.code()))
  assert.equal(new Set(codes).size, 100)
  const stuck = { ...server.deps, gaenRandom: (length: number) => new Uint8Array(length) }
  const request = (last: number) =>
    readIssueRequest({ testType: 'confirmed', ...DATES, uuid: `00000000-0000-4000-8000-00000000000${last}` })
  await issueCode(stuck, request(1), NOON)
  await assert.rejects(issueCode(stuck, request(2), NOON), /no free code/)
})

test('what ended is forgotten: codes after two days, that they were after two weeks, tokens after a day', async (t) => {
  const server = await verificationServer(t)
  const job = jobsOf(server.deps).find(({ name }) => name === 'verification')!
  const uuid = '01234567-89ab-4cde-8f01-23456789abcd'
  const code = await server.code({ uuid })
  await server.token()
  const at = async (seconds: number) => {
    server.clock.now = later(NOON, seconds)
    await job.run(server.deps, server.clock.now)
    return (await server.post('/api/verify', { code })).errorCode
  }
  const status = async () => (await server.post('/api/checkcodestatus', { uuid })).status
  assert.equal(await at(900 + 2 * DAY), 'code_expired')
  assert.equal(await at(901 + 2 * DAY), 'code_invalid')
  assert.equal(countRows(server.path, 'verification_token'), 0)
  assert.ok(!/"(code|long_code|nonce|phone)":"/.test(dump(server.path)))
  assert.equal(await status(), 200)
  await at(900 + 14 * DAY)
  assert.equal(await status(), 200)
  await at(901 + 14 * DAY)
  assert.equal(await status(), 404)
  await at(24 * DAY)
  const left = JSON.parse(dump(server.path)).filter(([name, rows]: [string, unknown[]]) => {
    return name.startsWith('verification') && rows.length > 0
  })
  // Only the counts of this test's own last questions.
  assert.deepEqual(
    left.map(([name]: [string]) => name),
    ['verification_tally'],
  )
})

test('tokens are forgotten a day after they end', async (t) => {
  const server = await verificationServer(t)
  await server.token()
  await keepVerification(server.deps, later(NOON, 2 * DAY))
  assert.equal(countRows(server.path, 'verification_token'), 1)
  await keepVerification(server.deps, later(NOON, 2 * DAY + 1))
  assert.equal(countRows(server.path, 'verification_token'), 0)
})

// What the verification server refuses: each with the status and the code of the deployed one.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ascii, later, toBase64url } from '@vicinity/protocol'
import { ecdsaSign, hmacSha256 } from '@vicinity/protocol/crypto'
import { parseJwt, signJwt, toBase64 } from '@vicinity/protocol/gaen'
import fc from 'fast-check'
import { VERIFICATION_ENDPOINTS } from '../src/flows/verification/endpoints.ts'
import { REFUSALS } from '../src/flows/verification/refusals.ts'
import { makeHttp } from '../src/http.ts'
import { dump, NOON, pass, randomOf } from './fixture.ts'
import { ADMIN_KEY, DATES, DEVICE_KEY, MAC, verificationServer } from './verification-fixture.ts'

const DAY = 86_400
const POSTS = VERIFICATION_ENDPOINTS.filter(({ method }) => method === 'POST').map(({ path }) => path)
const DEVICE = ['/api/verify', '/api/certificate', '/api/user-report']
const UUID = '01234567-89ab-4cde-8f01-23456789abcd'

test('each endpoint opens with the key of its kind only, before anything is read', async (t) => {
  const server = await verificationServer(t)
  const before = dump(server.path)
  for (const path of POSTS) {
    const [own, other] = DEVICE.includes(path) ? [DEVICE_KEY, ADMIN_KEY] : [ADMIN_KEY, DEVICE_KEY]
    for (const key of [undefined, '', ' ', other, `${own}x`, own.slice(1), own.toUpperCase()]) {
      const { status, said } = await server.post(path, {}, { key, raw: '{', headers: { 'x-chaff': '1' } })
      assert.deepEqual([status, said], [401, { error: 'unauthorized', errorCode: '', error_code: '' }], path)
    }
  }
  assert.equal(dump(server.path), before)
  for (const path of POSTS) {
    const own = DEVICE.includes(path) ? DEVICE_KEY : ADMIN_KEY
    assert.notEqual((await server.post(path, {}, { key: ` ${own} ` })).status, 401)
  }
})

test('a server without keys is closed, whatever is sent', async (t) => {
  for (const none of [undefined, '']) {
    const server = await verificationServer(t, { adminApiKey: none, deviceApiKey: none })
    for (const path of POSTS) {
      for (const key of [undefined, '', 'undefined']) {
        assert.equal((await server.post(path, {}, { key })).status, 401)
      }
    }
  }
})

/** What no endpoint can read, whatever its fields are. */
const UNREADABLE: readonly string[] = ['', '{', '[]', 'null', '"code"', '{"code":1,"surprise":2}', '{} {}', '\u0000']

test('what cannot be read is refused by each endpoint in its own words', async (t) => {
  const server = await verificationServer(t)
  const before = dump(server.path)
  const words: Readonly<Record<string, string>> = {
    '/api/checkcodestatus': '',
    '/api/expirecode': '',
    '/api/certificate': 'token_invalid',
  }
  for (const path of POSTS) {
    for (const raw of UNREADABLE) {
      const { status, errorCode, said } = await server.post(path, undefined, { raw })
      assert.deepEqual([status, errorCode], [400, words[path] ?? 'unparsable_request'], `${path} ${raw}`)
      assert.equal(said['error_code'], said['errorCode'])
    }
  }
  assert.equal(dump(server.path), before)
})

test('padding of any kind is taken, and capital letters in names do not matter', async (t) => {
  const server = await verificationServer(t)
  const code = await server.code({ padding: 'x'.repeat(5000) })
  for (const padding of ['AAAA', '', 7, null, [1], { a: 1 }]) {
    const { status } = await server.post('/api/checkcodestatus', { padding, uuid: UUID })
    assert.equal(status, 404)
  }
  assert.equal((await server.post('/api/verify', { Code: code, ACCEPT: null, Padding: 'A' })).status, 200)
})

type Table = readonly (readonly [body: object, status: number, errorCode: string])[]

async function refuses(t: TestContext, path: string, table: Table, changes: object = {}): Promise<void> {
  const server = await verificationServer(t, changes)
  for (const [body, status, errorCode] of table) {
    const reply = await server.post(path, body)
    assert.deepEqual([reply.status, reply.errorCode], [status, errorCode], JSON.stringify(body).slice(0, 120))
  }
}

test('issue: dates, types, phones, handles', async (t) => {
  const good = { testType: 'confirmed', testDate: '2026-03-20' }
  await refuses(t, '/api/issue', [
    [{ testType: 'confirmed' }, 400, 'missing_date'],
    [{ ...good, testDate: '' }, 400, 'missing_date'],
    [{ ...good, testDate: '2026-3-20' }, 400, 'unparsable_request'],
    [{ ...good, testDate: '2026-02-30' }, 400, 'unparsable_request'],
    [{ ...good, symptomDate: 'yesterday' }, 400, 'unparsable_request'],
    [{ ...good, testDate: 20260320 }, 400, 'unparsable_request'],
    [{ ...good, testDate: '2026-03-21' }, 400, 'invalid_date'],
    [{ ...good, symptomDate: '2026-02-19' }, 400, 'invalid_date'],
    [{ ...good, symptomDate: '2026-02-19', tzOffset: 600 }, 400, 'invalid_date'],
    [{ ...good, symptomDate: '2026-02-18', tzOffset: -60 }, 400, 'invalid_date'],
    [{ ...good, symptomDate: '2026-02-19', tzOffset: -0.5 }, 400, 'invalid_date'],
    [{ ...good, tzOffset: '60' }, 400, 'unparsable_request'],
    [{ ...good, testType: '' }, 400, 'invalid_test_type'],
    [{ ...good, testType: 'positive' }, 400, 'invalid_test_type'],
    [{ ...good, testType: 'user-report' }, 400, 'unsupported_test_type'],
    [{ ...good, phone: '0612345678' }, 400, 'phone_number_invalid'],
    [{ ...good, phone: '+33612345678901234' }, 400, 'phone_number_invalid'],
    [{ ...good, onlyGenerateSMS: true }, 400, ''],
    [{ ...good, onlyGenerateSMS: 'true' }, 400, 'unparsable_request'],
    [{ ...good, phone: '+33612345678' }, 400, ''],
    [{ ...good, uuid: 'not a uuid' }, 400, 'unparsable_request'],
    [{ ...good, externalIssuerID: 'i'.repeat(256) }, 400, 'unparsable_request'],
  ])
})

test('issue: days at both ends of the 28 that count, and one more west of Greenwich', async (t) => {
  const server = await verificationServer(t)
  for (const request of [
    { testDate: '2026-03-20' },
    { testDate: '2026-02-20' },
    { testDate: '2026-02-19', tzOffset: -1 },
    { symptomDate: '2026-02-20', testDate: undefined, smsTemplateLabel: 'any', externalIssuerID: 'i'.repeat(255) },
  ]) {
    assert.match(await server.code({ symptomDate: undefined, ...request }), /^\d{8}$/)
  }
})

test('issue: a handle is for once, in whatever letters it is written', async (t) => {
  const server = await verificationServer(t)
  const issue = (uuid: string) => server.post('/api/issue', { testType: 'negative', ...DATES, uuid })
  assert.equal((await issue(UUID)).said['uuid'], UUID)
  for (const uuid of [UUID, ` ${UUID.toUpperCase()} `]) {
    const { status, errorCode } = await issue(uuid)
    assert.deepEqual([status, errorCode], [409, 'uuid_already_exists'])
  }
})

test('issue: no more codes in a day than allowed, and as many again the next day', async (t) => {
  const server = await verificationServer(t, { codesPerDay: 2 })
  const statuses = async () => {
    const request = { testType: 'confirmed', ...DATES }
    const replies = [await server.post('/api/issue', request), await server.post('/api/issue', request)]
    replies.push(await server.post('/api/issue', request))
    return replies.map(({ status, errorCode }) => [status, errorCode])
  }
  const expected = [
    [200, undefined],
    [200, undefined],
    [429, 'quota_exceeded'],
  ]
  assert.deepEqual(await statuses(), expected)
  server.clock.now = later(NOON, DAY / 2 - 1)
  assert.equal((await statuses())[0]![0], 429)
  pass(server, 1)
  assert.deepEqual(await statuses(), expected)
})

test('batch-issue: each code for itself; the first that fails gives the status', async (t) => {
  const server = await verificationServer(t)
  const good = { testType: 'confirmed', ...DATES }
  const fine = await server.post('/api/batch-issue', { codes: Array(10).fill(good) })
  assert.equal(fine.status, 200)
  const codes = fine.said['codes'] as Record<string, string>[]
  assert.equal(new Set(codes.map(({ code }) => code)).size, 10)
  const mixed = { codes: [{ ...good, uuid: UUID }, { testType: 'confirmed' }, { ...good, uuid: UUID }, good] }
  const { status, said, errorCode } = await server.post('/api/batch-issue', mixed)
  assert.deepEqual([status, errorCode], [400, 'missing_date'])
  const each = said['codes'] as Record<string, unknown>[]
  assert.deepEqual(
    each.map((one) => [one['errorCode'], one['code'] !== '', one['padding']]),
    [
      [undefined, true, ''],
      ['missing_date', false, ''],
      ['uuid_already_exists', false, ''],
      [undefined, true, ''],
    ],
  )
  for (const { code } of each.filter((one) => one['code'] !== '') as { code: string }[]) {
    assert.equal((await server.post('/api/verify', { code })).status, 200)
  }
  const eleven = await server.post('/api/batch-issue', { codes: Array(11).fill(good) })
  assert.deepEqual([eleven.status, eleven.errorCode], [400, ''])
  assert.deepEqual((await server.post('/api/batch-issue', { codes: [] })).said, { codes: [] })
  const bad = await server.post('/api/batch-issue', { codes: [good, null] })
  assert.deepEqual([bad.status, bad.errorCode], [400, 'unparsable_request'])
})

test('status and expiry of a code, by its handle', async (t) => {
  const server = await verificationServer(t)
  const status = async (uuid: unknown) => await server.post('/api/checkcodestatus', { uuid })
  const expire = async (uuid: unknown) => await server.post('/api/expirecode', { uuid })
  for (const ask of [status, expire]) {
    const { status: code, errorCode } = await ask(UUID)
    assert.deepEqual([code, errorCode], [404, 'code_not_found'])
    assert.deepEqual((await ask(1)).status, 400)
  }
  const times = { expiresAtTimestamp: NOON + 900, longExpiresAtTimestamp: NOON + 900 }
  const code = await server.code({ uuid: UUID })
  assert.deepEqual((await status(UUID)).said, { claimed: false, ...times })
  await server.post('/api/verify', { code })
  assert.deepEqual((await status(UUID.toUpperCase())).said, { claimed: true, ...times })
  const claimed = await expire(UUID)
  assert.deepEqual([claimed.status, claimed.said['error']], [400, 'bad request'])

  const other = UUID.replace('0', '1')
  const second = await server.code({ uuid: other })
  pass(server, 60)
  const ended = { expiresAtTimestamp: NOON + 60, longExpiresAtTimestamp: NOON + 60 }
  assert.deepEqual((await expire(other)).said, ended)
  assert.equal((await server.post('/api/verify', { code: second })).errorCode, 'code_expired')
  pass(server, 60)
  assert.deepEqual((await expire(other)).said, ended)
  assert.deepEqual((await status(other)).said, { claimed: false, ...ended })
})

test('verify: types that do not exist, a nonce that is no base64, fields of another kind', async (t) => {
  await refuses(t, '/api/verify', [
    [{ code: '1', accept: ['positive'] }, 400, 'invalid_test_type'],
    [{ code: '1', accept: ['confirmed', ''] }, 400, 'invalid_test_type'],
    [{ code: '1', accept: [1] }, 400, 'invalid_test_type'],
    [{ code: '1', accept: 'confirmed' }, 400, 'unparsable_request'],
    [{ code: 1 }, 400, 'unparsable_request'],
    [{ code: '1', nonce: '!' }, 400, 'unparsable_request'],
    [{ code: '1', nonce: 'AAAA' }, 400, 'code_invalid'],
    [{}, 400, 'code_invalid'],
  ])
})

test('certificate: forged, confused, foreign and old tokens', async (t) => {
  const server = await verificationServer(t)
  const token = await server.token()
  const { header, claims } = parseJwt(token)!
  const { secret, kid, point } = server.deps.rotatingKeys.current('token', NOON)
  const encoded = (part: unknown) => toBase64url(ascii(JSON.stringify(part)))
  const unsigned = (alg: string) => `${encoded({ ...header, alg })}.${encoded(claims)}`
  const hmac = unsigned('HS256')
  const other = server.deps.rotatingKeys.current('certificate', NOON)
  const forged: readonly string[] = [
    '',
    'token',
    token.slice(0, -1),
    `${token}A`,
    `${unsigned('none')}.`,
    `${hmac}.${toBase64url(hmacSha256(point, ascii(hmac)))}`,
    `${unsigned('ES256')}.${toBase64url(ecdsaSign(randomOf('key')(32), ascii(unsigned('ES256'))))}`,
    signJwt(secret, 'v0', claims),
    signJwt(other.secret, other.kid, claims),
    signJwt(other.secret, kid, claims),
    signJwt(secret, kid, { ...claims, iss: 'another' }),
    signJwt(secret, kid, { ...claims, aud: 'another' }),
    signJwt(secret, kid, { ...claims, iat: NOON + 1 }),
    'A'.repeat(20_000),
  ]
  for (const one of forged) {
    const { status, errorCode } = await server.post('/api/certificate', { token: one, ekeyhmac: MAC })
    assert.deepEqual([status, errorCode], [400, 'token_invalid'], one.slice(0, 80))
  }
  const certificate = await server.post('/api/certificate', { token, ekeyhmac: MAC })
  assert.equal(certificate.status, 200)
  // A certificate is no token.
  const again = { token: certificate.said['certificate'], ekeyhmac: MAC }
  assert.equal((await server.post('/api/certificate', again)).errorCode, 'token_invalid')
})

test('certificate: a token is for once and for a day; a MAC has 32 bytes', async (t) => {
  const server = await verificationServer(t)
  const certify = async (token: string, ekeyhmac: unknown = MAC) => {
    const { status, errorCode, said } = await server.post('/api/certificate', { token, ekeyhmac })
    return status === 200 ? 'certified' : [status, errorCode, said['error']]
  }
  const [first, second, third] = [await server.token(), await server.token(), await server.token()]
  const long = toBase64(new Uint8Array(33))
  for (const mac of ['', undefined, null, '%%', MAC.slice(4), long, MAC.slice(0, -2)]) {
    const reply = await certify(first, mac ?? null)
    assert.deepEqual(reply, [400, 'hmac_invalid', REFUSALS.macInvalid.error], String(mac))
  }
  assert.deepEqual((await certify(first, 7))[1], 'token_invalid')
  // The token is not spent by what was refused.
  assert.equal(await certify(first, MAC.replace('=', '')), 'certified')
  assert.deepEqual(await certify(first), [400, 'token_expired', 'verification token expired or used'])
  server.clock.now = later(NOON, DAY - 1)
  assert.equal(await certify(second), 'certified')
  pass(server, 1)
  assert.deepEqual((await certify(third))[1], 'token_expired')
  pass(server, 1)
  assert.deepEqual(await certify(third), [400, 'token_invalid', 'verification token expired'])
})

test('maintenance closes issuing and verifying, but a token that somebody holds is still good', async (t) => {
  const server = await verificationServer(t)
  const token = await server.token()
  const closed = server.deps.settings.gaen.verification as { maintenance: boolean }
  closed.maintenance = true
  for (const path of ['/api/issue', '/api/batch-issue', '/api/verify', '/api/user-report']) {
    const { status, errorCode } = await server.post(path, {})
    assert.deepEqual([status, errorCode], [429, 'maintenance_mode'])
  }
  assert.equal((await server.post('/api/checkcodestatus', { uuid: UUID })).status, 404)
  assert.equal((await server.post('/api/certificate', { token, ekeyhmac: MAC })).status, 200)
})

test('over HTTP too: oversize, no JSON, compressed, a broken store', async (t) => {
  const server = await verificationServer(t)
  const app = makeHttp(server.deps, () => server.clock.now)
  t.after(() => app.close())
  const headers = { 'content-type': 'application/json', 'x-api-key': DEVICE_KEY }
  const send = async (payload: string, changes: object = {}) => {
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url: '/api/verify',
      headers: { ...headers, ...changes },
      payload,
    })
    return [statusCode, JSON.parse(body).errorCode]
  }
  const padded = JSON.stringify({ code: '1', padding: 'x'.repeat(60_000) })
  assert.deepEqual(await send(padded), [400, 'code_invalid'])
  assert.deepEqual(await send(JSON.stringify({ padding: 'x'.repeat(64_000) })), [400, 'unparsable_request'])
  assert.deepEqual(await send('{}', { 'content-type': 'text/plain' }), [400, 'unparsable_request'])
  assert.deepEqual(await send('{}', { 'content-encoding': 'gzip' }), [400, 'unparsable_request'])
  assert.deepEqual(await send('{'), [400, 'unparsable_request'])
  await server.deps.store.close()
  assert.deepEqual(await send('{}'), [503, 'internal_server_error'])
})

test('where the clock is not steady nothing is decided', async (t) => {
  const server = await verificationServer(t)
  const unsteady = { ...server.deps, clockIsSteady: () => false }
  for (const { method, run } of VERIFICATION_ENDPOINTS.filter((endpoint) => endpoint.method === 'POST')) {
    const call = { json: {}, body: '{}', headers: { 'x-api-key': ADMIN_KEY }, rest: '' }
    await assert.rejects(run(unsteady, call, NOON), { name: 'Unavailable' }, method)
  }
})

test('property: whatever JSON comes, every endpoint answers it with a status of the deployed server', async (t) => {
  const all = ['confirmed', 'likely', 'negative', 'user-report'] as const
  const server = await verificationServer(t, { testTypes: all, wrongCodes: 1e9, sendMessage: async () => {} })
  const words = fc.constantFrom('', 'confirmed', '2026-03-20', '+33612345678', UUID, MAC, '12345678', '\ud800')
  const value = fc.oneof(words, fc.jsonValue())
  const names =
    'symptomDate testDate testType tzOffset phone uuid onlyGenerateSMS codes code accept nonce token ekeyhmac'
  const body = fc.dictionary(fc.constantFrom(...names.split(' '), 'padding', '__proto__'), value)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...POSTS), fc.oneof(body, fc.jsonValue()), async (path, sent) => {
      const { status, size } = await server.post(path, sent)
      assert.ok([200, 400, 404, 409, 412, 429].includes(status), `${status}`)
      assert.equal(size % 3072, 0)
    }),
    { numRuns: 400 },
  )
})

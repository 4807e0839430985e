// From a code to a certificate: the API of Google's verification server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later } from '@vicinity/protocol'
import { fromBase64, parseJwt, type TestType, verifyCertificate } from '@vicinity/protocol/gaen'
import { NOON, pass } from './fixture.ts'
import { claimsOf, DATES, fetchKeys, MAC, verificationServer } from './verification-fixture.ts'

const DAY = 86_400

test('a code becomes a token, the token a certificate, and a key server believes it', async (t) => {
  const server = await verificationServer(t)
  const issued = await server.post('/api/issue', { testType: 'Confirmed', ...DATES, tzOffset: 60 })
  assert.equal(issued.status, 200)
  const { uuid, code, ...times } = issued.said
  assert.match(String(code), /^\d{8}$/)
  assert.match(String(uuid), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const shown = 'Fri, 20 Mar 2026 12:15:00 UTC'
  assert.deepEqual(times, {
    expiresAt: shown,
    expiresAtTimestamp: NOON + 900,
    longExpiresAt: shown,
    longExpiresAtTimestamp: NOON + 900,
  })

  const verified = await server.post('/api/verify', { code, accept: ['confirmed'] })
  assert.equal(verified.status, 200)
  const { token, ...told } = verified.said
  assert.deepEqual(told, { testtype: 'confirmed', symptomDate: '2026-03-18', testDate: '2026-03-19' })

  const certified = await server.post('/api/certificate', { token, ekeyhmac: MAC })
  assert.equal(certified.status, 200)
  const { issuer, audience } = server.deps.settings.gaen.verification
  const keys = server.deps.rotatingKeys.accepted('certificate', NOON)
  const outcome = verifyCertificate(String(certified.said['certificate']), keys, { issuer, audience }, NOON)
  assert.deepEqual(outcome, {
    ok: true,
    value: {
      issuer,
      audience,
      testType: 'confirmed',
      symptomOnset: (144 * Date.parse('2026-03-18')) / 1000 / DAY,
      tekmac: fromBase64(MAC),
      issued: NOON - 5,
      expires: NOON + 900,
    },
  })
})

test('the token is a JWT of the deployed form, for this server alone', async (t) => {
  const server = await verificationServer(t)
  const { header, claims } = parseJwt(await server.token())!
  const { jti, ...rest } = claims
  const { issuer } = server.deps.settings.gaen.verification
  assert.deepEqual([header['alg'], header['typ']], ['ES256', 'JWT'])
  assert.equal(String(jti).length, 128)
  const sub = 'confirmed.2026-03-18.2026-03-19'
  assert.deepEqual(rest, { aud: issuer, iss: issuer, iat: NOON, exp: NOON + DAY, sub })
})

test('dates that nobody gave appear nowhere, and only that of the symptoms is certified', async (t) => {
  const server = await verificationServer(t, { requireDate: false })
  const without = { symptomDate: undefined, testDate: undefined }
  const verified = await server.post('/api/verify', { code: await server.code(without) })
  assert.deepEqual(Object.keys(verified.said).sort(), ['testtype', 'token'])
  for (const dates of [without, { symptomDate: '' }, { symptomDate: null }]) {
    const certified = await server.post('/api/certificate', { token: await server.token(dates), ekeyhmac: MAC })
    assert.equal(claimsOf(certified).symptomOnset, undefined)
  }
})

test('a code is for once: the second time it is invalid, as one that never was', async (t) => {
  const server = await verificationServer(t)
  const code = await server.code()
  assert.equal((await server.post('/api/verify', { code })).status, 200)
  for (const tried of [code, '00000000', '', 'no code at all', 'a'.repeat(16), '\u0000']) {
    const { status, said } = await server.post('/api/verify', { code: tried })
    assert.equal(status, 400)
    assert.deepEqual(said, {
      error: 'verification code invalid',
      errorCode: 'code_invalid',
      error_code: 'code_invalid',
    })
  }
})

test('of 16 phones with one code at once one gets a token, and of 16 certificates for one token one is made', async (t) => {
  const server = await verificationServer(t)
  const code = await server.code()
  const tokens = await Promise.all(Array.from({ length: 16 }, () => server.post('/api/verify', { code })))
  assert.deepEqual(tokens.map(({ status }) => status).sort(), [200, ...Array(15).fill(400)])
  const token = tokens.find(({ status }) => status === 200)!.said['token']
  const all = await Promise.all(
    Array.from({ length: 16 }, () => server.post('/api/certificate', { token, ekeyhmac: MAC })),
  )
  assert.deepEqual(all.map(({ status }) => status).sort(), [200, ...Array(15).fill(400)])
})

test('a short code lives for 15 minutes, a long one for 24 hours, and one of them uses up both', async (t) => {
  const server = await verificationServer(t)
  const issue = async () => {
    const { said } = await server.post('/api/issue', {
      testType: 'likely',
      ...DATES,
      phone: '+33 (0)6-12.34.56.78'.replace('(0)', ''),
      onlyGenerateSMS: true,
    })
    const long = /: ([a-z0-9]{16}) \(valid for 24 hours\)$/.exec(String(said['generatedSMS']))?.[1]
    return { ...said, code: said['code'], long: long! }
  }
  const first = await issue()
  const { longExpiresAtTimestamp, expiresAtTimestamp, phone } = first as Record<string, unknown>
  assert.deepEqual([expiresAtTimestamp, longExpiresAtTimestamp, phone], [NOON + 900, NOON + DAY, '+33612345678'])
  const second = await issue()
  server.clock.now = later(NOON, 899)
  assert.equal((await server.post('/api/verify', { code: first.code })).status, 200)
  assert.equal((await server.post('/api/verify', { code: first.long })).errorCode, 'code_invalid')
  pass(server, 1)
  assert.equal((await server.post('/api/verify', { code: second.code })).errorCode, 'code_expired')
  server.clock.now = later(NOON, DAY)
  assert.equal((await server.post('/api/verify', { code: second.long })).errorCode, 'code_expired')
  server.clock.now = later(NOON, DAY - 1)
  assert.equal((await server.post('/api/verify', { code: second.long })).status, 200)
})

/** What a phone that names `accept` takes. */
const ACCEPTED: readonly (readonly [accept: readonly string[] | null, takes: readonly TestType[]])[] = [
  [null, ['confirmed', 'likely', 'negative', 'user-report']],
  [[], ['confirmed', 'likely', 'negative', 'user-report']],
  [['confirmed'], ['confirmed']],
  [['likely'], ['confirmed', 'likely']],
  [
    ['confirmed', 'LIKELY'],
    ['confirmed', 'likely'],
  ],
  [['negative'], ['confirmed', 'likely', 'negative']],
  [['user-report'], ['confirmed', 'user-report']],
  [
    ['likely', 'user-report'],
    ['confirmed', 'likely', 'user-report'],
  ],
]

test('a phone gets no report of a type that it does not take, and the code stays good', async (t) => {
  const all: readonly TestType[] = ['confirmed', 'likely', 'negative', 'user-report']
  const server = await verificationServer(t, { testTypes: all })
  let phones = 0
  for (const [accept, takes] of ACCEPTED) {
    for (const testType of all) {
      const phone = testType === 'user-report' ? { phone: `+3361234${1000 + phones++}`, onlyGenerateSMS: true } : {}
      const code = await server.code({ testType, ...phone })
      const { status, said, errorCode } = await server.post('/api/verify', { code, accept })
      if (takes.includes(testType)) {
        assert.deepEqual([status, said['testtype']], [200, testType])
        continue
      }
      assert.deepEqual([status, errorCode], [412, 'unsupported_test_type'], `${accept} ${testType}`)
      assert.equal((await server.post('/api/verify', { code })).said['testtype'], testType)
    }
  }
})

test('the certificate says which report it is', async (t) => {
  const server = await verificationServer(t)
  for (const testType of ['confirmed', 'likely', 'negative']) {
    const certified = await server.post('/api/certificate', { token: await server.token({ testType }), ekeyhmac: MAC })
    assert.equal(claimsOf(certified).testType, testType)
  }
})

test('the public keys are there as a set and as the list that the deployed key server reads', async (t) => {
  const server = await verificationServer(t)
  const list = (await fetchKeys(server, '/jwks/1')) as Record<string, string>[]
  assert.deepEqual(await fetchKeys(server), { keys: list })
  const token = await server.token()
  const { said } = await server.post('/api/certificate', { token, ekeyhmac: MAC })
  const jwt = parseJwt(String(said['certificate']))!
  const key = list.find(({ kid }) => kid === jwt.header['kid'])!
  const imported = await crypto.subtle.importKey('jwk', key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify'])
  const bytes = (part: Uint8Array) => Uint8Array.from(part)
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  assert.ok(await crypto.subtle.verify(algorithm, imported, bytes(jwt.signature), bytes(jwt.signed)))
  assert.ok(!JSON.stringify(list).includes('"d"'))
})

// Reports without the authority: the code goes to a phone number, and only with the nonce of the phone that asked for it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { later } from '@vicinity/protocol'
import { toBase64 } from '@vicinity/protocol/gaen'
import { keepVerification } from '../src/flows/verification/keep-verification.ts'
import type { VerificationSettings } from '../src/gaen-settings.ts'
import { countRows, NOON, pass, randomOf } from './fixture.ts'
import { claimsOf, DATES, MAC, type Reply, verificationServer } from './verification-fixture.ts'

const DAY = 86_400
const PHONE = '+33 6 12-34 (56) 78'
const NONCE = toBase64(randomOf('nonce')(256))

async function start(t: TestContext, changes: Partial<VerificationSettings> = {}) {
  const sent: (readonly [phone: string, code: string])[] = []
  const server = await verificationServer(t, {
    testTypes: ['confirmed', 'user-report'],
    sendMessage: async (phone, text) => void sent.push([phone, /: (\d{8}) \(valid for 15 minutes\)$/.exec(text)![1]!]),
    ...changes,
  })
  const report = (changed: object = {}): Promise<Reply> =>
    server.post('/api/user-report', { ...DATES, phone: PHONE, nonce: NONCE, ...changed })
  const verify = async (nonce: string | undefined, code = sent.at(-1)![1]) =>
    await server.post('/api/verify', { code, nonce, accept: ['confirmed', 'user-report'] })
  return { server, sent, report, verify }
}

test('the code goes to the phone number, and with the nonce it becomes a certificate of a report of the user', async (t) => {
  const { server, sent, report, verify } = await start(t)
  const { status, said } = await report()
  const expected = { expiresAt: 'Fri, 20 Mar 2026 12:15:00 UTC', expiresAtTimestamp: NOON + 900 }
  assert.deepEqual([status, said], [200, expected])
  assert.deepEqual(
    sent.map(([phone]) => phone),
    ['+33612345678'],
  )
  const other = toBase64(randomOf('another nonce')(256))
  for (const nonce of [undefined, '', other]) assert.equal((await verify(nonce)).errorCode, 'code_invalid')
  const verified = await verify(NONCE.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''))
  assert.equal(verified.said['testtype'], 'user-report')
  const certified = await server.post('/api/certificate', { token: verified.said['token'], ekeyhmac: MAC })
  assert.equal(claimsOf(certified).testType, 'user-report')
})

test('a number that reported gets no second code for 30 days, and the answer does not tell', async (t) => {
  const { server, sent, report, verify } = await start(t)
  const first = await report()
  await verify(NONCE)
  assert.deepEqual(await report(), first)
  assert.equal(sent.length, 1)
  server.clock.now = later(NOON, 30 * DAY - 1)
  await keepVerification(server.deps, server.clock.now)
  await report({ symptomDate: '', testDate: '2026-04-19' })
  assert.equal(sent.length, 1)
  pass(server, 1)
  await report({ symptomDate: '', testDate: '2026-04-19' })
  assert.equal(sent.length, 2)
})

test('whose code was not used may try again after an hour', async (t) => {
  const { server, sent, report } = await start(t)
  await report()
  server.clock.now = later(NOON, 3599)
  await report()
  assert.equal(sent.length, 1)
  pass(server, 1)
  await report()
  assert.equal(sent.length, 2)
  assert.equal(countRows(server.path, 'verification_report'), 1)
})

test('what is missing is named; a number that nothing can be sent to is free for another try', async (t) => {
  let broken = true
  const { server, report } = await start(t, {
    sendMessage: async () => {
      if (broken) throw new Error('the gateway is down')
    },
  })
  const table: readonly (readonly [object, string])[] = [
    [{ nonce: '' }, 'missing_nonce'],
    [{ nonce: undefined }, 'missing_nonce'],
    [{ nonce: toBase64(new Uint8Array(255)) }, 'missing_nonce'],
    [{ nonce: toBase64(new Uint8Array(257)) }, 'missing_nonce'],
    [{ nonce: '%' }, 'unparsable_request'],
    [{ phone: '' }, 'missing_phone'],
    [{ phone: ' - ' }, 'missing_phone'],
    [{ phone: '112' }, 'phone_number_invalid'],
    [{ symptomDate: '', testDate: '' }, 'missing_date'],
    [{ testDate: '2026-03-21' }, 'invalid_date'],
    [{ code: '1' }, 'unparsable_request'],
    [{}, 'sms_failure'],
  ]
  for (const [changed, code] of table) {
    const { status, errorCode } = await report(changed)
    assert.deepEqual([status, errorCode], [400, code], JSON.stringify(changed))
  }
  for (const name of ['verification_code', 'verification_report']) assert.equal(countRows(server.path, name), 0)
  broken = false
  assert.equal((await report()).status, 200)
})

test('where no reports of users are taken, or nothing can be sent, the endpoint says so', async (t) => {
  const closed = await start(t, { testTypes: ['confirmed'] })
  assert.deepEqual((await closed.report()).errorCode, 'unsupported_test_type')
  const silent = await start(t, { sendMessage: undefined })
  const { status, said } = await silent.report()
  assert.deepEqual([status, said['error']], [400, 'phone provided, but no sms provider is configured'])
})

test('the authority too may start a report of a user: with a number, without a nonce, once', async (t) => {
  const { server } = await start(t)
  const issue = (changed: object) =>
    server.post('/api/issue', { testType: 'user-report', ...DATES, onlyGenerateSMS: true, ...changed })
  const without = await server.post('/api/issue', { testType: 'user-report', ...DATES })
  assert.equal(without.errorCode, 'missing_phone')
  const issued = await issue({ phone: PHONE })
  const { code, expiresAtTimestamp, longExpiresAtTimestamp } = issued.said
  assert.deepEqual([expiresAtTimestamp, longExpiresAtTimestamp], [NOON + 900, NOON + 900])
  const again = await issue({ phone: PHONE })
  assert.deepEqual([again.status, Object.keys(again.said).sort()], [200, ['expiresAt', 'expiresAtTimestamp']])
  assert.equal((await server.post('/api/verify', { code })).status, 200)
  const batch = await server.post('/api/batch-issue', { codes: [{ testType: 'user-report', ...DATES, phone: PHONE }] })
  assert.deepEqual([batch.status, batch.errorCode], [409, 'user_report_try_later'])
})

test('a code of the authority is sent where there is a way to, in its long form', async (t) => {
  const texts: string[] = []
  const { server } = await start(t, { sendMessage: async (_phone, text) => void texts.push(text) })
  const { said } = await server.post('/api/issue', { testType: 'confirmed', ...DATES, phone: PHONE })
  assert.ok(!('generatedSMS' in said) && !('phone' in said))
  const long = /: (\w{16}) /.exec(texts[0]!)![1]
  assert.equal((await server.post('/api/verify', { code: long })).status, 200)
})

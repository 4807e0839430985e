// Keys of the verification server follow each other, and what was made with one is good for as long as it may be.
import assert from 'node:assert/strict'
import { statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { later, type UnixSeconds } from '@vicinity/protocol'
import { parseJwt, verifyCertificate } from '@vicinity/protocol/gaen'
import { keepVerification } from '../src/flows/verification/keep-verification.ts'
import { directoryKeys, memoryKeys } from '../src/keys/key-files.ts'
import { type RotatingKey, rotatingKeys } from '../src/keys/rotating-keys.ts'
import { randomOf, temporaryDirectory } from './fixture.ts'
import { fetchKeys, MAC, setClock, verificationServer } from './verification-fixture.ts'

const DAY = 86_400
/** When the keys of certificates and tokens, of 30 days, and those of codes, of 60, change together. */
const CHANGE = (60 * DAY * Math.ceil(Date.UTC(2026, 5, 1) / 1000 / (60 * DAY))) as UnixSeconds
const kids = (keys: readonly RotatingKey[]) => keys.map(({ kid }) => kid)

test('a key is made a day before it is used, and is taken for a day and a half after the next came', () => {
  const files = memoryKeys()
  const keys = rotatingKeys(files, randomOf('keys'))
  const old = keys.current('certificate', later(CHANGE, -2 * DAY))
  keys.rotate(later(CHANGE, -DAY - 1))
  assert.deepEqual(kids(keys.accepted('certificate', later(CHANGE, -DAY - 1))), [old.kid])
  keys.rotate(later(CHANGE, -DAY))
  const both = kids(keys.accepted('certificate', later(CHANGE, -DAY)))
  assert.equal(both[0], old.kid)
  const next = keys.current('certificate', CHANGE)
  assert.deepEqual(both, [old.kid, next.kid])
  const end = later(CHANGE, 1.5 * DAY)
  keys.rotate(later(end, -1))
  assert.deepEqual(kids(keys.accepted('certificate', later(end, -1))), [next.kid, old.kid])
  assert.deepEqual(kids(keys.accepted('certificate', end)), [next.kid])
  const period = CHANGE / (30 * DAY)
  assert.ok(files.names().includes(`certificate-${period - 1}`))
  keys.rotate(end)
  assert.ok(!files.names().includes(`certificate-${period - 1}`))
  assert.deepEqual(old.secret, new Uint8Array(32))
  assert.match(next.kid, new RegExp(`^v${period}-[0-9a-f]{8}$`))
})

test('keys are there after a restart, two processes agree on them, and each family has its own', (t) => {
  const directory = temporaryDirectory(t)
  const [one, two] = [
    rotatingKeys(directoryKeys(directory), randomOf('one')),
    rotatingKeys(directoryKeys(directory), randomOf('two')),
  ]
  for (const family of ['certificate', 'token', 'code'] as const) {
    assert.deepEqual(one.current(family, CHANGE), two.current(family, CHANGE))
  }
  const again = rotatingKeys(directoryKeys(directory), randomOf('three'))
  assert.deepEqual(again.accepted('code', CHANGE), one.accepted('code', CHANGE))
  const secrets = (['certificate', 'token', 'code'] as const).map((family) => one.current(family, CHANGE).kid.slice(-8))
  assert.equal(new Set(secrets).size, 3)
  const path = join(directory, `code-${CHANGE / (60 * DAY)}`)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  // An empty HMAC key is one that everybody knows.
  truncateSync(path)
  assert.throws(() => rotatingKeys(directoryKeys(directory), randomOf('four')).current('code', CHANGE))
})

test('a code, its status and its token outlive the change of every key', async (t) => {
  const server = await verificationServer(t)
  const dates = { symptomDate: undefined, testDate: new Date(1000 * (CHANGE - DAY)).toISOString().slice(0, 10) }
  const uuid = '01234567-89ab-4cde-8f01-23456789abcd'
  setClock(server, CHANGE - 10)
  await keepVerification(server.deps, server.clock.now)
  const code = await server.code({ ...dates, uuid })
  const token = await server.token(dates)
  setClock(server, CHANGE + 10)
  await keepVerification(server.deps, server.clock.now)
  const same = await server.post('/api/issue', { testType: 'confirmed', ...dates, uuid })
  assert.equal(same.errorCode, 'uuid_already_exists')
  assert.equal((await server.post('/api/verify', { code })).status, 200)
  assert.equal((await server.post('/api/certificate', { token, ekeyhmac: MAC })).status, 200)
  setClock(server, CHANGE + 14 * DAY)
  await keepVerification(server.deps, server.clock.now)
  assert.equal((await server.post('/api/checkcodestatus', { uuid })).said['claimed'], true)
})

test('a certificate made just before its key changed is believed until it ends, and the next key is published before', async (t) => {
  const server = await verificationServer(t)
  const { issuer, audience } = server.deps.settings.gaen.verification
  setClock(server, CHANGE - 1)
  await keepVerification(server.deps, server.clock.now)
  const dates = { symptomDate: undefined, testDate: new Date(1000 * (CHANGE - DAY)).toISOString().slice(0, 10) }
  const published = (await fetchKeys(server, '/jwks/1')) as { readonly kid: string }[]
  const { said } = await server.post('/api/certificate', { token: await server.token(dates), ekeyhmac: MAC })
  const certificate = String(said['certificate'])
  const end = later(CHANGE, 899)
  await keepVerification(server.deps, end)
  const keys = server.deps.rotatingKeys.accepted('certificate', end)
  assert.equal(verifyCertificate(certificate, keys, { issuer, audience }, end).ok, true)
  assert.deepEqual(published.map(({ kid }) => kid).toSorted(), kids(keys).toSorted())
  assert.equal(parseJwt(certificate)!.header['kid'], keys[1]!.kid)
})

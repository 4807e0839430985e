// Key server, revisions: from a first publish with its token to the revised keys of an export.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_SECONDS, type UnixSeconds } from '@vicinity/protocol'
import { REPORT_TYPE, toBase64 } from '@vicinity/protocol/gaen'
import {
  hexOf,
  hexOfPhoneKey,
  type KeyServer,
  keyServer,
  keysIn,
  listedExports,
  phoneKey,
  phoneKeys,
  publishKeys,
  runExports,
} from './key-server-fixture.ts'

const HOURS = 3600
const pass = (server: KeyServer, seconds: number) => {
  server.clock.now = (server.clock.now + seconds) as UnixSeconds
}
const again = (revisionToken: string) => ({ body: { revisionToken } })

test('revision: likely keys that turn out confirmed are revised keys of the next export, and stay first keys of the old one', async (t) => {
  const server = keyServer(t)
  const keys = phoneKeys(server, 14)
  const { revisionToken } = await publishKeys(server, keys, { testType: 'likely' })
  await runExports(server, 8 * HOURS)
  const answer = await publishKeys(server, keys, { testType: 'confirmed', ...again(revisionToken) })
  assert.deepEqual([answer.status, answer.code, answer.insertedExposures], [200, undefined, 0])
  await runExports(server, 8 * HOURS)
  const names = new Set(keys.map(hexOfPhoneKey))
  const of = (list: 'keys' | 'revisedKeys') => async () =>
    (await listedExports(server)).flatMap((file) => keysIn(file, list)).filter((key) => names.has(hexOf(key)))
  const [first, revised] = [await of('keys')(), await of('revisedKeys')()]
  assert.deepEqual([first.length, revised.length], [14, 14])
  assert.ok(
    first.every(
      ({ reportType, transmissionRisk }) =>
        reportType === REPORT_TYPE.confirmedClinicalDiagnosis && transmissionRisk === 4,
    ),
  )
  assert.ok(
    revised.every(
      ({ reportType, transmissionRisk }) => reportType === REPORT_TYPE.confirmedTest && transmissionRisk === 2,
    ),
  )
})

test('revision: a negative test takes likely keys back', async (t) => {
  const server = keyServer(t)
  const keys = phoneKeys(server, 3)
  const { revisionToken } = await publishKeys(server, keys, { testType: 'likely' })
  assert.equal((await publishKeys(server, keys, { testType: 'negative', ...again(revisionToken) })).status, 200)
  await runExports(server, 8 * HOURS)
  const names = new Set(keys.map(hexOfPhoneKey))
  const revised = (await listedExports(server)).flatMap((file) => keysIn(file, 'revisedKeys'))
  const ours = revised.filter((key) => names.has(hexOf(key)))
  assert.deepEqual(
    ours.map(({ reportType }) => reportType),
    Array.from({ length: 3 }, () => REPORT_TYPE.revoked),
  )
})

test('revision: each code of a refused one', async (t) => {
  const server = keyServer(t)
  const keys = phoneKeys(server, 3)
  const first = await publishKeys(server, keys, { testType: 'likely' })
  const codeOf = async (...parts: Parameters<typeof publishKeys> extends [unknown, ...infer Rest] ? Rest : never) => {
    const { status, code } = await publishKeys(server, ...parts)
    return [status, code]
  }
  assert.deepEqual(await codeOf(keys, { testType: 'confirmed' }), [400, 'missing_revision_token'])
  assert.deepEqual(await codeOf(keys, { testType: 'confirmed', ...again('&&') }), [400, 'missing_revision_token'])
  const noToken = toBase64(server.random(861))
  assert.deepEqual(await codeOf(keys, { testType: 'confirmed', ...again(noToken) }), [400, 'invalid_revision_token'])
  const others = await publishKeys(server, phoneKeys(server, 3))
  assert.deepEqual(await codeOf(keys, { testType: 'confirmed', ...again(others.revisionToken) }), [
    400,
    'invalid_revision_token',
  ])
  const shorter = keys.map((key) => ({ ...key, rollingPeriod: 100 }))
  assert.deepEqual(await codeOf(shorter, { testType: 'confirmed', ...again(first.revisionToken) }), [
    400,
    'internal_error',
  ])
  const wrong = await codeOf(keys, { testType: 'user-report', ...again(first.revisionToken) })
  assert.deepEqual(wrong, [400, 'invalid_report_type_transition'])
  assert.deepEqual(await codeOf(keys, { testType: 'negative', ...again(first.revisionToken) }), [200, undefined])
  assert.deepEqual(await codeOf(keys, { testType: 'confirmed', ...again(first.revisionToken) }), [
    400,
    'key_already_revised',
  ])
})

test('revision: the same publish again with its token changes nothing and gives a token again', async (t) => {
  const server = keyServer(t)
  const keys = phoneKeys(server, 5)
  const first = await publishKeys(server, keys)
  const second = await publishKeys(server, keys, again(first.revisionToken))
  assert.deepEqual([second.status, second.insertedExposures], [200, 0])
  const third = await publishKeys(server, keys, again(second.revisionToken))
  assert.equal(third.status, 200)
})

test('revision: a token lists the keys of earlier publishes too', async (t) => {
  const server = keyServer(t)
  const [early, late] = [phoneKeys(server, 3), phoneKeys(server, 4)]
  const first = await publishKeys(server, early, { testType: 'likely' })
  const second = await publishKeys(server, late, { testType: 'likely', ...again(first.revisionToken) })
  assert.equal((await publishKeys(server, early, again(second.revisionToken))).status, 200)
  assert.equal((await publishKeys(server, late, again(second.revisionToken))).status, 200)
})

test('revision: a token of 15 days ago still opens, under a key that is kept for it', async (t) => {
  const server = keyServer(t)
  // The keys of the last days: in 14 days they are old and still taken.
  const keys = [phoneKey(server, 0)]
  const { revisionToken } = await publishKeys(server, keys, { testType: 'likely' })
  for (let day = 0; day < 14; day++) {
    pass(server, DAY_SECONDS)
    server.deps.rotatingKeys.rotate(server.clock.now)
  }
  const onset = { onset: keys[0]!.rollingStartNumber }
  assert.equal((await publishKeys(server, keys, { ...onset, ...again(revisionToken) })).status, 200)
})

test('revision: a key that waits for its release is revised no earlier', async (t) => {
  const server = keyServer(t)
  const keys = [phoneKey(server, 0)]
  const { revisionToken } = await publishKeys(server, keys, { testType: 'likely' })
  await publishKeys(server, keys, again(revisionToken))
  for (let hours = 0; hours < 20; hours += 4) await runExports(server, 4 * HOURS)
  const names = new Set(keys.map(hexOfPhoneKey))
  const files = (await listedExports(server)).map((file) => [
    keysIn(file).some((key) => names.has(hexOf(key))),
    keysIn(file, 'revisedKeys').some((key) => names.has(hexOf(key))),
  ])
  assert.ok(files.some(([first]) => first))
  assert.deepEqual(
    files.map(([first]) => first),
    files.map(([, revised]) => revised),
    'in one export, not the revision before the key',
  )
})

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { concat, DAY_SECONDS, type Epoch, epochAt, epochStart, later } from '@vicinity/protocol'
import { packExposure, SIZE } from '@vicinity/protocol/robert'
import { purge } from '../src/flows/purge.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import { jobsOf } from '../src/jobs.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import { NOBODY } from '../src/store/store.ts'
import {
  type BackEnd,
  backEnd,
  countRows,
  expose,
  exposuresOf,
  itemOf,
  NOON,
  pass,
  registerPhone,
  TODAY,
  withToken,
} from './fixture.ts'

const CT = 14 * 96
const start = async (t: TestContext, keyFiles = memoryKeys()) => {
  const server = await backEnd(t, { keyFiles })
  return { server, phone: await registerPhone(server, 'phone') }
}
const purgeAt = (server: BackEnd, epoch: number) => purge(server.deps, epochStart(server.deps.calendar, epoch))

test('an exposure goes CT after its epoch, at the epoch, and not one epoch before (ROBERT §6.2 footnote 17, I8)', async (t) => {
  const { server, phone } = await start(t)
  const epoch = epochAt(server.deps.calendar, NOON)
  await expose(server, phone, epoch)
  await expose(server, phone, epoch + 1)
  const before = await exposuresOf(server, phone.id)
  await purge(server.deps, later(epochStart(server.deps.calendar, epoch + CT), -1))
  assert.deepEqual(await exposuresOf(server, phone.id), before)
  await purgeAt(server, epoch + CT)
  const left = [0, 1, 2].map((slot) => packExposure({ epoch: (epoch + 1) as Epoch, slot, weight: 50 }))
  assert.deepEqual(await exposuresOf(server, phone.id), concat(...left))
  await purgeAt(server, epoch + CT + 1)
  assert.equal(countRows(server.path, 'exposure'), 0)
  assert.equal(countRows(server.path, 'user_key'), 1)
})

test('every page of exposures is purged, however many people were exposed', async (t) => {
  const server = await backEnd(t)
  const epoch = epochAt(server.deps.calendar, NOON)
  const [old, young] = [epoch, epoch + 9].map((of) => packExposure({ epoch: of as Epoch, slot: 1, weight: 9 }))
  const rows = Array.from({ length: 10_001 }, (_, id) => ({
    id,
    exposures: id % 5 === 0 ? concat(old!, young!) : old!,
  }))
  await server.deps.store.transaction(async (tx) => {
    for (const { id } of rows) await tx.addUser({ id, authenticationKey: old!, encryptionKey: old! })
    await tx.appendExposures(rows)
  })
  await purgeAt(server, epoch + CT)
  const left = await server.deps.store.transaction((tx) => tx.exposuresAfter(NOBODY, 20_000))
  assert.equal(left.length, 2001)
  assert.ok(left.every(({ exposures }) => exposures.length === SIZE.exposure))
})

test('spent tokens, challenges and codes go when they can serve no more', async (t) => {
  const { server, phone } = await start(t)
  const token = withToken(server, itemOf(server, phone, NOON), TODAY)
  await server.call('upload', token)
  const { code } = await server.asAuthority('issueCode', { contagiousFrom: later(NOON, -5), contagiousTo: NOON })
  await server.call('redeemCode', { code, day: TODAY, chunk: 0, requests: [token.random, token.random] })
  const tables = ['spent_challenge', 'code', 'code_chunk', 'spent_token'] as const
  const left = () => tables.map((table) => countRows(server.path, table))
  const { challengeLife, codeDays, contagiousDays } = server.deps.robert.parameters
  const midnight = later(NOON, DAY_SECONDS / 2 + (contagiousDays + 1) * DAY_SECONDS)
  for (const [at, expected] of [
    [later(NOON, challengeLife), [1, 1, 1, 1]],
    [later(NOON, challengeLife + 1), [0, 1, 1, 1]],
    [later(NOON, codeDays * DAY_SECONDS), [0, 1, 1, 1]],
    [later(NOON, codeDays * DAY_SECONDS + 1), [0, 0, 0, 1]],
    [later(midnight, -1), [0, 0, 0, 1]],
    [midnight, [0, 0, 0, 0]],
  ] as const) {
    await purge(server.deps, at)
    assert.deepEqual(left(), expected, `${at - NOON} s later`)
  }
  server.clock.now = midnight
  await server.call('upload', token)
  assert.equal(left()[3], 0, 'a token that was forgotten is too old to be taken')
})

test('server keys exist for the bundle and two days more, and are destroyed CT + 1 days after their day', async (t) => {
  const keyFiles = memoryKeys()
  const { server } = await start(t, keyFiles)
  const days = () =>
    keyFiles
      .names()
      .flatMap((name) => /^server-key-(\d+)$/.exec(name)?.[1] ?? [])
      .map((day) => Number(day) - TODAY)
      .sort((a, b) => a - b)
  const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n)
  const { bundleDays, contagiousDays } = server.deps.robert.parameters
  for (let passed = 0; passed < 40; passed++) {
    assert.deepEqual(days(), range(Math.max(passed - contagiousDays - 1, 0), passed + bundleDays + 2))
    for (const day of range(-1, 50)) {
      assert.equal(server.deps.keys.serverKeyOf((TODAY + day) as never) !== undefined, days().includes(day))
    }
    await keepServerKeys(server.deps, pass(server, DAY_SECONDS))
  }
})

test('a server key stays the same while it lives: identifiers given out are understood', async (t) => {
  const { server, phone } = await start(t)
  for (let passed = 0; passed < 4; passed++) await keepServerKeys(server.deps, pass(server, DAY_SECONDS))
  const again = await registerPhone(server, 'again')
  assert.notEqual(again.id, phone.id)
  await server.call('upload', withToken(server, itemOf(server, phone, server.clock.now), (TODAY + 4) as never))
  pass(server, 6 * 3600)
  for (const job of jobsOf(server.deps)) await job.run(server.deps, server.clock.now)
  assert.equal((await exposuresOf(server, phone.id)).length, SIZE.exposure)
})

test('the jobs of a back-end: purge at every epoch, the others often enough for their grain', async (t) => {
  const { server } = await start(t)
  const jobs = jobsOf(server.deps).map(({ name, every }) => [name, every])
  assert.deepEqual(jobs, [
    ['server keys', 3600],
    ['purge', 900],
    ['process contacts', 300],
    ['verification', 3600],
    ['imports', 900],
    ['exports', 600],
    ['departures', 3600],
    ['reseal keys', 3600],
    ['audit', 300],
  ])
})

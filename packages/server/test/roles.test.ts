// Several processes of one back-end: they share the store and the key directory, and nothing else.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { api, DAY_SECONDS, dayOf, later, type UtcDay } from '@vicinity/protocol'
import { CODE, withParameters } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS, makeDeps } from '../src/deps.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import { jobsOf, jobsOfRole, type Role } from '../src/jobs.ts'
import { directoryKeys } from '../src/keys/key-files.ts'
import { serve, wallClock } from '../src/main.ts'
import { openStore } from '../src/store/open.ts'
import { type BackEnd, callOf, NOON, randomOf, registerPhone, requestOf, temporaryDirectory } from './fixture.ts'

/** Two processes over one key directory. */
function pair(directory: string) {
  const deps = () =>
    makeDeps({
      store: openStore('sqlite::memory:'),
      keyFiles: directoryKeys(directory),
      random: randomOf('roles'),
      settings: DEFAULT_SETTINGS,
    })
  return [deps(), deps()] as const
}

test('a key that one process makes or destroys is made or destroyed for the others within a minute', async (t) => {
  const [front, worker] = pair(temporaryDirectory(t))
  const [row] = jobsOfRole(front, 'front')
  assert.equal(row?.every, 60)
  const today = dayOf(NOON)
  await keepServerKeys(worker, NOON)
  worker.keys.intakeKey(7)
  const verification = worker.rotatingKeys.current('certificate', NOON)
  assert.equal(front.keys.serverKeyOf(today), undefined)
  await row!.run(front, NOON)
  assert.deepEqual(front.keys.serverKeyOf(today), worker.keys.serverKeyOf(today))
  assert.deepEqual(front.keys.intakeWindows(), [7])
  assert.deepEqual(front.keys.intakeKey(7), worker.keys.intakeKey(7))
  assert.deepEqual(front.rotatingKeys.current('certificate', NOON), verification)

  const sealing = front.keys.intakeKey(7)
  const secret = front.rotatingKeys.current('certificate', NOON).secret
  const muchLater = later(NOON, 60 * DAY_SECONDS)
  await keepServerKeys(worker, muchLater)
  worker.keys.destroyIntakeKey(7)
  worker.rotatingKeys.rotate(muchLater)
  await row!.run(front, muchLater)
  assert.equal(front.keys.serverKeyOf(today), undefined)
  assert.deepEqual(front.keys.intakeWindows(), [])
  // What is gone from the directory is gone from memory too, not only out of sight.
  assert.ok(sealing.every((byte) => byte === 0))
  assert.ok(secret.every((byte) => byte === 0))
  assert.notEqual(front.keys.serverKeyOf(dayOf(muchLater) as UtcDay), undefined)
})

test('a front runs no job but its own files and the learning of keys; the others run all', (t) => {
  const [deps] = pair(temporaryDirectory(t))
  const names = (role: Role) => jobsOfRole(deps, role).map(({ name }) => name)
  assert.deepEqual(names('front'), ['learn keys', 'queue', 'departures', 'audit'])
  for (const role of ['all', 'worker'] as const) {
    assert.deepEqual(names(role), ['learn keys', 'queue', ...jobsOf(deps).map(({ name }) => name)])
  }
})

test('a front answers what a worker has keys for; a worker answers for its health alone', async (t) => {
  const directory = temporaryDirectory(t)
  let started = 0
  const run = async (role: Role) => {
    const running = await serve({
      role,
      settings: { ...DEFAULT_SETTINGS, parameters: withParameters({ proofOfWork: 0 }) },
      store: `sqlite:${join(directory, 'database')}`,
      keys: join(directory, 'keys'),
      audit: join(directory, `audit-${started++}.log`),
      host: '127.0.0.1',
      port: 0,
      threads: 0,
    })
    t.after(running.close)
    return running
  }
  // The order of the start does not matter: the first front has no keys of days yet, and says so.
  const early = await run('front')
  assert.equal((await fetch(`${early.url}${api.ready.path}`)).status, 503)
  const worker = await run('worker')
  const front = await run('front')
  for (const { url } of [worker, front]) assert.equal((await fetch(`${url}${api.ready.path}`)).status, 200)
  assert.equal((await fetch(`${front.url}${api.parameters.path}`)).status, 200)
  for (const path of [api.parameters.path, '/v1/openapi.json', '/exports/index.txt']) {
    assert.equal((await fetch(`${worker.url}${path}`)).status, 404, path)
  }
  const phone = await registerPhone({ deps: front.deps, call: callOf(front.deps, wallClock) }, 'phone')
  const server = { deps: front.deps, clock: { now: wallClock() } } as BackEnd
  const request = requestOf(server, phone, CODE.status)
  const { reply } = await callOf(front.deps, wallClock)('request', { request })
  assert.equal(reply.length, 922)
})

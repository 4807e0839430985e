import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { api, later } from '@vicinity/protocol'
import { CONDITIONS, type Condition, failingConditions } from '../src/conditions.ts'
import { DEFAULT_SETTINGS } from '../src/deps.ts'
import { makeHttp } from '../src/http.ts'
import type { Job } from '../src/jobs.ts'
import { lineLog } from '../src/log.ts'
import { serve } from '../src/main.ts'
import { runJobs } from '../src/run-jobs.ts'
import { hasStandby } from '../src/store/postgres-state.ts'
import { watch } from '../src/watch.ts'
import { backEnd, NOON, temporaryDirectory } from './fixture.ts'

const failing = async (t: TestContext, change: (server: Awaited<ReturnType<typeof backEnd>>) => unknown) => {
  const server = await backEnd(t)
  assert.deepEqual(await failingConditions(server.deps, NOON), [])
  await change(server)
  return failingConditions(server.deps, NOON)
}

test('readiness names what fails: a window without its intake key, a job that is late, what others watch, a closed store', async (t) => {
  const item = [4711, new Uint8Array(16), new Uint8Array(49)] as const
  assert.deepEqual(await failing(t, ({ deps }) => deps.store.transaction((tx) => tx.queueItem(...item))), [
    'intakeKeys',
  ])
  const late = { every: 300, lastSuccess: later(NOON, -901), failures: 0, failing: false }
  assert.deepEqual(await failing(t, ({ deps }) => deps.meter.jobs.set('process contacts', late)), ['jobs'])
  const patient = { ...late, lastSuccess: later(NOON, -899) }
  assert.deepEqual(await failing(t, ({ deps }) => deps.meter.jobs.set('process contacts', patient)), [])
  for (const name of ['vault', 'queue', 'standby'] as const) {
    assert.deepEqual(await failing(t, ({ deps }) => deps.conditions.set(name, () => false)), [name])
  }
  assert.deepEqual(await failing(t, ({ deps }) => deps.store.close()), ['store'])
})

test('the answer of readiness holds the names of conditions and nothing else', async (t) => {
  const { deps } = await backEnd(t)
  const app = makeHttp(deps, () => NOON)
  t.after(() => app.close())
  for (const name of ['vault', 'standby'] satisfies Condition[]) deps.conditions.set(name, () => false)
  const { statusCode, json } = await app.inject({ method: 'GET', url: api.ready.path })
  assert.deepEqual([statusCode, json()], [503, { error: 'not ready: vault, standby' }])
  assert.equal((await app.inject({ method: 'GET', url: api.live.path })).statusCode, 200)
  assert.ok(Object.keys(CONDITIONS).includes('standby'))
})

test('while the standby is lost nothing is taken in, whatever the endpoint; what only reads is answered', async (t) => {
  const { deps, statements } = await backEnd(t)
  const app = makeHttp(deps, () => NOON)
  t.after(() => app.close())
  let there = false
  deps.conditions.set('standby', () => there)
  const ran = statements.length
  const posts = [api.upload.path, api.request.path, api.register.path, api.challenge.path, '/v1/publish', '/api/verify']
  for (const url of posts) {
    const { statusCode, headers } = await app.inject({ method: 'POST', url, payload: {} })
    assert.deepEqual([statusCode, headers['retry-after']], [503, '30'], url)
  }
  assert.equal(statements.length, ran)
  assert.equal((await app.inject({ method: 'GET', url: api.parameters.path })).statusCode, 200)
  there = true
  assert.equal((await app.inject({ method: 'POST', url: api.upload.path, payload: {} })).statusCode, 400)
})

test('a standby counts when it is asked for by name and streams what is committed', () => {
  const settings = {
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    wal_compression: 'lz4',
    synchronous_standby_names: '',
  }
  const state = { version: 150_000, clock: NOON, standbys: 1, settings }
  assert.equal(hasStandby(state), false)
  const named = { ...settings, synchronous_standby_names: 'ANY 1 (a, b)' }
  assert.equal(hasStandby({ ...state, settings: named }), true)
  assert.equal(hasStandby({ ...state, settings: named, standbys: 0 }), false)
})

test('strict durability is refused where there can be no standby', async (t) => {
  const directory = temporaryDirectory(t)
  const options = {
    settings: DEFAULT_SETTINGS,
    store: `sqlite:${join(directory, 'database')}`,
    keys: join(directory, 'keys'),
  }
  await assert.rejects(
    serve({ ...options, host: '127.0.0.1', port: 0, threads: 0, durability: 'strict' }),
    /durability strict needs a synchronous standby/,
  )
})

const logOf = () => {
  const lines: string[] = []
  const log = lineLog(
    (line) => {
      const { at: _at, ...said } = JSON.parse(line)
      lines.push(Object.values(said).join(' '))
    },
    () => NOON,
  )
  return { lines, log }
}

test('readiness is logged when it is lost, when it changes and when it is regained, and not in between', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { deps } = await backEnd(t)
  const { lines, log } = logOf()
  let looks = 0
  let [vault, standby] = [true, true]
  deps.conditions.set('vault', () => vault)
  deps.conditions.set('standby', () => standby)
  const watching = await watch(
    deps,
    () => NOON,
    log,
    async () => {
      looks++
    },
  )
  const pass = async () => {
    const before = looks
    while (looks === before) {
      t.mock.timers.tick(5000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await watching.settled()
  }
  await pass()
  vault = false
  await pass()
  await pass()
  assert.deepEqual(watching.failing(), ['vault'])
  standby = false
  await pass()
  vault = true
  standby = true
  await pass()
  await watching.stop()
  assert.deepEqual(lines, ['ready.lost vault', 'ready.lost vault, standby', 'ready.regained'])
})

test('a job that fails is logged by its name once, and when it goes again; what it threw is nowhere', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { deps } = await backEnd(t)
  const { lines, log } = logOf()
  let now = NOON
  let fails = true
  const job: Job = {
    name: 'purge',
    every: 1,
    run: async () => {
      if (fails) throw new Error('a value that nobody may see')
    },
  }
  for (const [broken, seconds] of [
    [true, 0],
    [true, 1],
    [false, 2],
    [false, 3],
  ] as const) {
    fails = broken
    now = later(NOON, seconds)
    const before = deps.meter.jobs.get('purge')
    const stop = runJobs(deps, () => now, [job], log)
    // As if it had been running all the while.
    if (before !== undefined) deps.meter.jobs.set('purge', before)
    t.mock.timers.tick(1000)
    await stop()
  }
  assert.deepEqual(lines, ['job.failed purge', 'job.recovered purge'])
  assert.deepEqual(deps.meter.jobs.get('purge'), { every: 1, lastSuccess: now, failures: 2, failing: false })
})

test('a back-end that is to stop ends the job that runs and begins no other', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { deps } = await backEnd(t)
  const stopping = new AbortController()
  const ran: string[] = []
  const job = (name: string): Job => ({
    name,
    every: 60,
    run: async () => {
      ran.push(name)
      stopping.abort()
    },
  })
  const stop = runJobs({ ...deps, stopping: stopping.signal }, () => NOON, [job('first'), job('second')])
  t.mock.timers.tick(1000)
  await stop()
  assert.deepEqual(ran, ['first'])
})

// A back-end whose clock steps decides nothing: a clock that runs ahead would destroy keys and exposures, one that is behind would
// let old requests in again.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { api, DAY_SECONDS, type EndpointName, epochAt, later, ntpOf, type UnixSeconds } from '@vicinity/protocol'
import { withParameters } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS, makeDeps, type Settings } from '../src/deps.ts'
import { makeHttp } from '../src/http.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import { type ServeOptions, serve, wallClock } from '../src/main.ts'
import { runJobs } from '../src/run-jobs.ts'
import { watchClock } from '../src/steady-clock.ts'
import {
  AUTHORITY,
  askStatus,
  type BackEnd,
  backEnd,
  countRows,
  dump,
  expose,
  itemOf,
  NOON,
  pass,
  registerPhone,
  TODAY,
  temporaryDirectory,
  withToken,
} from './fixture.ts'

const HOUR = 3600
const YEARS = 20 * 365 * DAY_SECONDS

/** A wall clock and a monotonic one that a test moves, and what the watch says of them. */
class Clocks {
  wall: number = NOON
  monotonic = 1000
  readonly isSteady = watchClock(
    () => this.wall as UnixSeconds,
    () => this.monotonic,
  )
  /** Time passes. */
  pass(seconds: number): void {
    this.wall += seconds
    this.monotonic += seconds
  }
  /** Somebody, or a time server, sets the wall clock. */
  step(seconds: number): void {
    this.wall += seconds
  }
}

for (const [name, seconds] of [
  ['61 s', 61],
  ['an hour', HOUR],
  ['a day', DAY_SECONDS],
  ['twenty years', YEARS],
] as const) {
  for (const [way, sign] of [
    ['forward', 1],
    ['back', -1],
  ] as const) {
    test(`a step of ${name} ${way} is distrusted, however long it lasts, until the clock is back`, () => {
      const clocks = new Clocks()
      clocks.pass(DAY_SECONDS)
      assert.equal(clocks.isSteady(), true)
      clocks.step(sign * seconds)
      for (let hour = 0; hour < 48; hour++) {
        assert.equal(clocks.isSteady(), false)
        clocks.pass(HOUR)
      }
      clocks.step(-sign * seconds)
      assert.equal(clocks.isSteady(), true)
      clocks.pass(HOUR)
      assert.equal(clocks.isSteady(), true)
    })
  }
}

test('a correction of up to a minute is followed; so are many small ones, although together they are much', () => {
  for (const seconds of [1, -1, 59, -59, 60, -60]) {
    const clocks = new Clocks()
    clocks.step(seconds)
    assert.equal(clocks.isSteady(), true, `${seconds} s`)
  }
  const drifting = new Clocks()
  for (let hour = 0; hour < 24 * 30; hour++) {
    drifting.pass(HOUR)
    drifting.step(1)
    assert.equal(drifting.isSteady(), true)
  }
  drifting.step(61)
  assert.equal(drifting.isSteady(), false)
})

test('small corrections of a clock that is distrusted do not earn it trust', () => {
  const clocks = new Clocks()
  clocks.step(HOUR)
  for (let minute = 0; minute < 58; minute++) {
    assert.equal(clocks.isSteady(), false)
    clocks.step(-60)
  }
  assert.equal(clocks.isSteady(), false)
  clocks.step(-60)
  assert.equal(clocks.isSteady(), true, 'a minute from where it was')
})

/** A back-end whose clock a test moves and steps. */
async function watched(t: TestContext, parameters = {}) {
  const keyFiles = memoryKeys()
  const plain = await backEnd(t, { keyFiles, parameters })
  const clocks = new Clocks()
  const { store, random, settings } = plain.deps
  const deps = makeDeps({ store, random, settings, keyFiles, clockIsSteady: clocks.isSteady })
  const server: BackEnd = { ...plain, deps }
  const app = makeHttp(deps, () => clocks.wall as UnixSeconds)
  t.after(() => app.close())
  const answer = async (name: EndpointName, payload: object = {}) => {
    const { method, path } = api[name]
    const headers = { authorization: AUTHORITY }
    const sent = await app.inject({ method, url: path, headers, ...(method === 'POST' && { payload }) })
    return { status: sent.statusCode, retryAfter: sent.headers['retry-after'], error: sent.json().error }
  }
  return { server, clocks, answer }
}

const DISTRUSTED = { status: 503, retryAfter: '30', error: 'the clock of the back-end stepped' }
const NOT_READY = { ...DISTRUSTED, error: 'not ready: clock' }

test('while the clock is distrusted every endpoint but live is 503 with Retry-After, readiness too, and nothing is written', async (t) => {
  const { server, clocks, answer } = await watched(t)
  await registerPhone(server, 'phone')
  const before = dump(server.path)
  const { statements } = server
  for (const seconds of [YEARS, -YEARS - HOUR, HOUR + 61]) {
    clocks.step(seconds)
    const ran = statements.length
    for (const name of Object.keys(api) as EndpointName[]) {
      if (name !== 'live') assert.deepEqual(await answer(name), name === 'ready' ? NOT_READY : DISTRUSTED, name)
    }
    assert.equal((await answer('live')).status, 200)
    assert.equal(statements.length, ran, 'the store is not even asked')
  }
  assert.equal(dump(server.path), before)
  clocks.step(-61)
  assert.equal((await answer('ready')).status, 200)
  assert.equal((await answer('issueCode', { contagiousFrom: NOON - HOUR, contagiousTo: NOON })).status, 200)
})

test('while the clock is distrusted no job runs: nothing is purged, no key is destroyed, nobody is warned; afterwards all goes on', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { server, clocks } = await watched(t, { poolWindow: 0 })
  const { deps, path, statements } = server
  const [warned, heard] = [await registerPhone(server, 'warned'), await registerPhone(server, 'heard')]
  await expose(server, warned, epochAt(deps.calendar, NOON) - 9)
  assert.equal((await askStatus(server, warned))?.atRisk, true)
  await server.call('upload', withToken(server, itemOf(server, heard, NOON), TODAY))
  await server.asAuthority('issueCode', { contagiousFrom: later(NOON, -HOUR), contagiousTo: NOON })
  const before = dump(path)
  const stop = runJobs(deps, () => clocks.wall as UnixSeconds)
  const ran = statements.length
  for (const seconds of [YEARS, -2 * YEARS]) {
    clocks.step(seconds)
    for (let second = 0; second < 20; second++) {
      clocks.pass(1)
      t.mock.timers.tick(1000)
      // A turn of the jobs is over when the store is idle.
      await deps.store.shred()
    }
    assert.equal(statements.length, ran)
    assert.equal(dump(path), before)
    assert.notEqual(deps.keys.serverKeyOf(TODAY), undefined)
  }
  clocks.step(YEARS)
  clocks.pass(1)
  t.mock.timers.tick(1000)
  await stop()
  assert.equal(deps.counts.get('item.accepted'), 1)
  assert.equal(countRows(path, 'exposure'), 2)
  assert.equal(countRows(path, 'code'), 1)
  pass(server, 41)
  assert.equal((await askStatus(server, warned))?.atRisk, true, 'UN is what it was')
})

const settings: Settings = { ...DEFAULT_SETTINGS, parameters: withParameters({ proofOfWork: 0 }) }

function optionsIn(directory: string, chosen: Partial<ServeOptions> = {}): ServeOptions {
  const [store, keys] = [`sqlite:${join(directory, 'database')}`, join(directory, 'keys')]
  return { settings, store, keys, host: '127.0.0.1', port: 0, ...chosen }
}

/** A back-end that last ran so many seconds from now. */
async function lastRan(t: TestContext, seconds: number): Promise<string> {
  const directory = temporaryDirectory(t)
  await (await serve(optionsIn(directory))).close()
  const database = new DatabaseSync(join(directory, 'database'))
  const noted = database.prepare('select at from last_time').get()?.['at'] as number
  assert.ok(Math.abs(noted - wallClock()) <= 5, 'the time of the start is noted')
  database.prepare('update last_time set at = ?').run(wallClock() + seconds)
  database.close()
  return directory
}

test('a back-end whose clock is behind the time when it last ran does not start, whatever it is told, and changes nothing', async (t) => {
  for (const seconds of [65, HOUR, DAY_SECONDS, YEARS]) {
    const directory = await lastRan(t, seconds)
    const before = dump(join(directory, 'database'))
    for (const acceptClock of [false, true]) {
      await assert.rejects(serve(optionsIn(directory, { acceptClock })), /the clock is behind .* set it right/)
    }
    assert.equal(dump(join(directory, 'database')), before)
  }
})

test('a back-end that stood still for more than 30 days starts only when its clock is accepted, once', async (t) => {
  for (const days of [31, 400, 8000]) {
    const directory = await lastRan(t, -days * DAY_SECONDS)
    const before = dump(join(directory, 'database'))
    await assert.rejects(serve(optionsIn(directory)), /more than 30 days after .* start once with --accept-clock/)
    assert.equal(dump(join(directory, 'database')), before)
    await (await serve(optionsIn(directory, { acceptClock: true }))).close()
    await (await serve(optionsIn(directory))).close()
  }
})

test('a clock that is a little behind, and a rest of less than 30 days, are no reason not to start', async (t) => {
  for (const seconds of [40, 0, -HOUR, -29 * DAY_SECONDS]) {
    const directory = await lastRan(t, seconds)
    const running = await serve(optionsIn(directory))
    const answer = await fetch(`${running.url}${api.clock.path}`)
    const { serverTime, epoch, serviceStart, epochDuration } = (await answer.json()) as Record<string, number>
    assert.ok(Math.abs(serverTime! - ntpOf(wallClock())) <= 2)
    assert.equal(serviceStart, settings.serviceStart)
    assert.ok(Math.abs((serverTime! - ntpOf(settings.serviceStart)) / epochDuration! - epoch!) <= 1)
    await running.close()
  }
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { api, later, type UnixSeconds } from '@vicinity/protocol'
import { TAC, withParameters } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS, type Settings } from '../src/deps.ts'
import { windowAt } from '../src/flows/pool.ts'
import { type ServeOptions, serve, wallClock } from '../src/main.ts'
import { runJobs } from '../src/run-jobs.ts'
import { backEnd, callOf, NOON, registerPhone, temporaryDirectory } from './fixture.ts'

const settings: Settings = { ...DEFAULT_SETTINGS, parameters: withParameters({ proofOfWork: 0 }) }

function optionsIn(directory: string, chosen: Partial<ServeOptions> = {}): ServeOptions {
  const [store, keys] = [`sqlite:${join(directory, 'database')}`, join(directory, 'keys')]
  return { settings, store, keys, host: '127.0.0.1', port: 0, ...chosen }
}

async function start(t: TestContext, options: ServeOptions) {
  const running = await serve(options)
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= running.close()
    return closed
  }
  t.after(close)
  return { ...running, close }
}

/** A port that somebody else listens on. */
async function takenPort(t: TestContext): Promise<number> {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  return (other.address() as AddressInfo).port
}

test('a back-end serves over HTTP, closes, and goes on where it was', async (t) => {
  const directory = temporaryDirectory(t)
  const first = await start(t, optionsIn(directory))
  assert.match(first.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  for (const path of [api.live.path, api.ready.path, api.parameters.path]) {
    const answer = await fetch(`${first.url}${path}`)
    assert.deepEqual([answer.status, answer.headers.get('cache-control')], [200, 'no-store'])
    await answer.json()
  }
  const { deps } = first
  const phone = await registerPhone({ deps, call: callOf(deps, wallClock) }, 'phone')
  await first.close()
  await assert.rejects(fetch(`${first.url}${api.live.path}`))
  assert.ok(!existsSync(join(directory, 'database-wal')))
  const second = await start(t, optionsIn(directory))
  const users = await second.deps.store.transaction((tx) => tx.usersOf([phone.id]))
  const stored = users.get(phone.id)!.authenticationKey
  assert.deepEqual(
    new Uint8Array(second.deps.open('authentication', phone.id, stored)),
    new Uint8Array(phone.keys.authenticationKey),
  )
})

test('a taken port is answered by the next free one where that is wanted, else by an error', async (t) => {
  const port = await takenPort(t)
  const directory = temporaryDirectory(t)
  await assert.rejects(serve(optionsIn(directory, { port })), { code: 'EADDRINUSE' })
  // The store was closed again: it left no journal behind.
  assert.deepEqual(readdirSync(directory).sort(), ['database', 'keys'])
  const moved = await start(t, optionsIn(directory, { port, nextPort: true }))
  const url = new URL(moved.url)
  assert.ok(Number(url.port) > port && Number(url.port) <= port + 100, url.port)
  assert.equal((await fetch(`${moved.url}${api.live.path}`)).status, 200)
})

test('keys may be kept in memory, for a service that ends with its process', async (t) => {
  const directory = temporaryDirectory(t)
  const running = await start(t, optionsIn(directory, { keys: undefined, store: 'sqlite::memory:' }))
  assert.equal((await fetch(`${running.url}${api.ready.path}`)).status, 200)
  assert.deepEqual(readdirSync(directory), [])
})

test('a service that starts in the future, or near the end of its 24-bit epochs, does not start (T-44)', async (t) => {
  const directory = temporaryDirectory(t)
  const startingAt = (serviceStart: UnixSeconds) =>
    serve(optionsIn(directory, { settings: { ...settings, serviceStart } }))
  await assert.rejects(startingAt(later(wallClock(), 60)), /the service starts in the future/)
  const longAgo = Math.floor(0.95 * (2 ** 24 - 1)) + 1
  const epochDuration = 300
  const parameters = withParameters({ epochDuration })
  const worn = { ...settings, parameters, serviceStart: later(wallClock(), -longAgo * epochDuration) }
  await assert.rejects(serve(optionsIn(directory, { settings: worn })), /the 24-bit epoch counter nears its end/)
  assert.ok(!existsSync(join(directory, 'database-wal')))
})

test('short epochs with rare requests do not start: phones would run out of identifiers', async (t) => {
  const chosen = { proofOfWork: 0, epochDuration: 300, statusGap: 60, pollJitter: 3600 }
  const polling = (pollInterval: number, changes = {}) =>
    optionsIn(temporaryDirectory(t), {
      settings: { ...settings, parameters: withParameters({ ...chosen, pollInterval, ...changes }) },
    })
  await assert.rejects(serve(polling(21_601)), /pollInterval: at most 21600 s with epochs of 300 s/)
  await start(t, polling(21_600))
  await start(t, polling(86_400, { epochDuration: 900 }))
})

test('a database is refused to a service of another calendar, country, profile or key directory', async (t) => {
  const directory = temporaryDirectory(t)
  await (await start(t, optionsIn(directory))).close()
  for (const changed of [
    { settings: { ...settings, countryCode: 49 } },
    { settings: { ...settings, profile: TAC } },
    { settings: { ...settings, serviceStart: later(settings.serviceStart, 900) } },
    { settings: { ...settings, parameters: withParameters({ proofOfWork: 0, epochDuration: 600 }) } },
    { keys: join(directory, 'other keys') },
  ]) {
    await assert.rejects(serve(optionsIn(directory, changed)), /this database was set up as/)
  }
  const again = await start(t, optionsIn(directory))
  assert.equal((await fetch(`${again.url}${api.ready.path}`)).status, 200)
})

test('jobs run when they are due, one after another, and one that fails does not stop the others', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const server = await backEnd(t, { serverKeys: false })
  const { deps, clock, statements } = server
  const stop = runJobs(deps, () => clock.now)
  // The key of the window before this one is missing.
  const window = windowAt(deps.robert.parameters, NOON) - 1
  await server.deps.store.transaction((tx) => tx.queueItem(window, new Uint8Array(16), new Uint8Array(49)))
  t.mock.timers.tick(1000)
  await stop()
  assert.notEqual(deps.keys.serverKeyOf(Math.floor(NOON / 86_400) as never), undefined)
  assert.equal(deps.counts.get('job.failed.process contacts'), 1)
  assert.ok(statements.includes('forgetTokens'))
})

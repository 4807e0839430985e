// A stop of a real process: nothing new is taken in, what is in flight is answered, and it never takes ten seconds.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { start } from './command.ts'

const MOST_SECONDS = 10

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function serving(t: TestContext, data: string, ...more: string[]) {
  const server = start(['serve', '--data', data, '--port', '0', '--threads', '0', ...more])
  t.after(() => server.child.kill('SIGKILL'))
  const text = await server.prints(/health\/ready/)
  return { ...server, url: /http:\/\/[\d.]+:\d+/.exec(text)![0] }
}

/** Tells the process to stop and gives how it ended, and after how many seconds. */
async function stopped({ child, ended }: ReturnType<typeof start>, signal: NodeJS.Signals = 'SIGTERM') {
  const from = performance.now()
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  child.kill(signal)
  const [code, cut] = await closed
  return { code, cut, seconds: (performance.now() - from) / 1000, said: (await ended).error }
}

/** Waits until somebody reads a pipe, and holds the end that would write. */
async function reader(pipe: string): Promise<number> {
  for (;;) {
    try {
      return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

const eventsOf = (said: string): string[] =>
  said
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line).event)

/** One call on a kept connection: its status, or why there was none. */
const call = (url: string, agent: Agent): Promise<number | string> =>
  new Promise((resolve) => {
    const sent = request(`${url}/v1/challenge`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json' },
    })
    sent.on('response', (answer) => {
      answer.on('end', () => resolve(answer.complete ? answer.statusCode! : 'broken off'))
      answer.on('error', () => resolve('broken off'))
      answer.resume()
    })
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    sent.end('{}')
  })

test('told to stop under load, serve answers what it has read, takes in nothing more, and ends well within ten seconds', async (t) => {
  const server = await serving(t, directoryOf(t))
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  t.after(() => agent.destroy())
  const results: (number | string)[] = []
  let busy = true
  const clients = Array.from({ length: 20 }, async () => {
    while (busy) {
      const result = await call(server.url, agent)
      results.push(result)
      busy &&= result !== 'ECONNREFUSED'
    }
  })
  while (results.length < 200) await new Promise((resolve) => setImmediate(resolve))
  const { code, seconds, said } = await stopped(server)
  await Promise.all(clients)
  assert.equal(code, 0)
  assert.ok(seconds < MOST_SECONDS, `${seconds} s`)
  assert.deepEqual(eventsOf(said), ['server.started', 'server.stopping', 'server.stopped'])
  assert.ok(!results.includes('broken off'))
  // A connection that is closed before its next request was read: the sender knows that nothing was done.
  const known = [400, 503, 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']
  assert.deepEqual(
    [...new Set(results)].filter((result) => !known.includes(result)),
    [],
  )
})

test('a job that waits for another server does not hold up the stop', async (t) => {
  const peer = createServer().listen(0, '127.0.0.1')
  t.after(() => peer.close())
  await once(peer, 'listening')
  const asked = once(peer, 'connection')
  const data = directoryOf(t)
  const peers = join(data, 'peers.json')
  const index = `http://127.0.0.1:${(peer.address() as AddressInfo).port}/index.txt`
  const point = Buffer.alloc(65, 4).toString('base64')
  writeFileSync(peers, JSON.stringify([{ name: 'silent', index, keys: [{ keyId: 'a', keyVersion: 'v1', point }] }]))
  const server = await serving(t, data, '--peers', peers)
  const [socket] = await asked
  t.after(() => socket.destroy())
  const { code, seconds, said } = await stopped(server)
  assert.equal(code, 0)
  assert.ok(seconds < 5, `${seconds} s`)
  assert.equal(eventsOf(said).at(-1), 'server.stopped')
})

test('a job that hangs in a call of the system is cut off after eight seconds, and the next start goes on', async (t) => {
  const data = directoryOf(t)
  mkdirSync(join(data, 'exports'))
  // Who reads this pipe waits for what nobody writes.
  const pipe = join(data, 'exports', 'index.txt')
  execFileSync('mkfifo', [pipe])
  const server = await serving(t, data)
  const held = await reader(pipe)
  t.after(() => closeSync(held))
  const { code, cut, seconds, said } = await stopped(server, 'SIGINT')
  assert.deepEqual([code, cut], [null, 'SIGKILL'])
  assert.ok(seconds > 7 && seconds < MOST_SECONDS, `${seconds} s`)
  assert.deepEqual(eventsOf(said).slice(-2), ['server.stopping', 'server.cut'])
  rmSync(pipe)
  const again = await serving(t, data)
  assert.equal((await fetch(`${again.url}/health/ready`)).status, 200)
  assert.equal((await stopped(again)).code, 0)
})

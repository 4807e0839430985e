// Many senders that never finish beside phones that do (T-67), against a real process.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { start } from './command.ts'

/** VICINITY_SLOW_SENDERS=5000 is the full measurement: both processes need that many open files. */
const SENDERS = Number(process.env['VICINITY_SLOW_SENDERS'] ?? 500)
const REQUESTS = 400
const TOGETHER = 4
/** Milliseconds. */
const MOST = 250
/** Nobody who is slow is there for longer: headers 5 s, the whole request 10 s, and what a busy machine adds. */
const LONGEST_SECONDS = 20

/** Milliseconds of a call. */
function timed(url: string, agent: Agent): Promise<number> {
  const from = performance.now()
  return new Promise((resolve, reject) => {
    request(url, { agent }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`answered ${answer.statusCode}`))
      answer.on('end', () => resolve(performance.now() - from)).resume()
    })
      .on('error', reject)
      .end()
  })
}

async function slowSender(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

const HEADERS = 'POST /v1/upload HTTP/1.1\r\nHost: a\r\nContent-Ty'
const BODY =
  'POST /v1/upload HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"item":"'

test('beside hundreds of senders that never finish, others are answered in time, and the slow are let go (T-67)', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const server = start(['serve', '--data', directory, '--port', '0', '--threads', '0'])
  t.after(() => server.child.kill('SIGKILL'))
  const url = /http:\/\/[\d.]+:\d+/.exec(await server.prints(/health\/ready/))![0]
  const port = Number(new URL(url).port)
  const slow: Socket[] = []
  t.after(() => slow.forEach((socket) => void socket.destroy()))
  for (let from = 0; from < SENDERS; from += 100) {
    const more = Array.from({ length: Math.min(100, SENDERS - from) }, (_, n) =>
      slowSender(port, n % 2 === 0 ? HEADERS : BODY),
    )
    slow.push(...(await Promise.all(more)))
  }
  const opened = performance.now()
  const gone = Promise.all(slow.map((socket) => once(socket.resume(), 'close')))
  const agent = new Agent({ keepAlive: true, maxSockets: TOGETHER })
  t.after(() => agent.destroy())
  const times: number[] = []
  const phone = async () => {
    for (let n = 0; n < REQUESTS / TOGETHER; n++) times.push(await timed(`${url}/v1/parameters`, agent))
  }
  await Promise.all(Array.from({ length: TOGETHER }, phone))
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))]!
  t.diagnostic(`median ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms, longest ${at(1).toFixed(1)} ms`)
  assert.equal(times.length, REQUESTS)
  // A machine that is busy with other things may delay single ones.
  assert.ok(at(0.9) < MOST, `nine of ten within ${at(0.9)} ms`)
  await gone
  const seconds = (performance.now() - opened) / 1000
  assert.ok(seconds < LONGEST_SECONDS, `the last was let go after ${seconds} s`)
  assert.ok((await timed(`${url}/health/live`, agent)) < LONGEST_SECONDS * 1000)
})

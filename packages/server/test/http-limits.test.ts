// Senders on a real socket that are slow, too large, or say two things at once (T-64, T-67).
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { makeHttp } from '../src/http.ts'
import { type BackEnd, backEnd, dump } from './fixture.ts'

interface Scene {
  readonly server: BackEnd
  readonly port: number
}

async function setTheScene(t: TestContext): Promise<Scene> {
  const server = await backEnd(t)
  const app = makeHttp(server.deps, () => server.clock.now)
  t.after(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { server, port: (app.server.address() as AddressInfo).port }
}

async function open(t: TestContext, { port }: Scene): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  t.after(() => socket.destroy())
  // The other end may close while there is still something to write.
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Writes and gives all that comes back until the other end closes, and after how many seconds it does. */
async function exchange(t: TestContext, scene: Scene, text: string | Buffer) {
  const socket = await open(t, scene)
  const from = performance.now()
  let answer = ''
  socket.on('data', (data) => {
    answer += data
  })
  socket.write(text)
  await once(socket, 'close')
  return { answer, seconds: (performance.now() - from) / 1000 }
}

const post = (headers: string, body = '') =>
  `POST /v1/upload HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}`
const quiet = (answer: string) => assert.doesNotMatch(answer, /\bat (?:\/|\S+ \(|async)|node:|Error:|\.[tj]s\b|FST_/)

test('who sends slowly is let go: headers within 5 s, the whole request within 10 s (T-67)', async (t) => {
  const scene = await setTheScene(t)
  const before = dump(scene.server.path)
  const [headers, body] = await Promise.all([
    exchange(t, scene, 'POST /v1/upload HTTP/1.1\r\nHost: a\r\nContent-Ty'),
    exchange(t, scene, post('Content-Length: 500', '{"item":')),
  ])
  for (const [{ answer, seconds }, limit] of [
    [headers, 5],
    [body, 10],
  ] as const) {
    assert.match(answer, /^HTTP\/1\.1 408 /)
    quiet(answer)
    assert.ok(seconds > limit - 1 && seconds < limit + 8, `${seconds} s, at most ${limit}`)
  }
  assert.equal(dump(scene.server.path), before)
})

test('a body that is declared or grows too large is refused before it is read, and the connection ends (T-66)', async (t) => {
  const scene = await setTheScene(t)
  const chunk = `400\r\n${' '.repeat(1024)}\r\n`
  for (const request of [
    post('Content-Length: 1025'),
    post('Content-Length: 10000000000'),
    post('Transfer-Encoding: chunked', chunk + chunk),
    post('Content-Length: 5000', ' '.repeat(5000)),
  ]) {
    const { answer } = await exchange(t, scene, request)
    assert.match(answer, /^HTTP\/1\.1 400 /)
    assert.match(answer, /\r\nconnection: close\r\n/i)
    assert.match(answer, /\{"error":"body: shorter","field":"body"\}$/)
  }
})

test('a request that can be read in two ways is refused, and what follows it is not taken for another (T-64)', async (t) => {
  const scene = await setTheScene(t)
  const before = dump(scene.server.path)
  const hidden = 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n'
  for (const [what, request] of Object.entries({
    'two lengths': post('Content-Length: 2\r\nContent-Length: 3', `{}${hidden}`),
    'a length and chunks': post('Content-Length: 2\r\nTransfer-Encoding: chunked', `0\r\n\r\n${hidden}`),
    'chunks that are none': post('Transfer-Encoding: chunked', `zz\r\n{}\r\n${hidden}`),
    'an unknown transfer encoding': post('Transfer-Encoding: xchunked', `{}${hidden}`),
    'a negative length': post('Content-Length: -1', `{}${hidden}`),
    'a space before the colon': post('Content-Length : 2', `{}${hidden}`),
    'lines that end with CR alone': `POST /v1/upload HTTP/1.1\rHost: a\r\r${hidden}`,
    'no host': `POST /v1/upload HTTP/1.1\r\n\r\n${hidden}`,
    'a header of 20 KiB': post(`X: ${'a'.repeat(20_000)}`, hidden),
    'an unknown version': `POST /v1/upload HTTP/9.9\r\nHost: a\r\n\r\n${hidden}`,
    'no HTTP': Buffer.from('\u0016\u0003\u0001\u0002\u0000\u0001'),
  })) {
    const { answer } = await exchange(t, scene, request)
    assert.match(answer, /^HTTP\/1\.1 4\d\d /, what)
    assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, what)
    quiet(answer)
  }
  assert.equal(dump(scene.server.path), before)
})

test('a sender that leaves in the middle of its body is no error of ours', async (t) => {
  const scene = await setTheScene(t)
  const { statements } = scene.server
  const from = statements.length
  for (let n = 0; n < 20; n++) {
    const socket = await open(t, scene)
    socket.write(post('Content-Length: 500', '{"item":"A'))
    socket.destroySoon()
    await once(socket, 'close')
  }
  // A whole request behind them on another connection is answered after all of them were seen.
  const { answer } = await exchange(t, scene, post('Content-Length: 2\r\nConnection: close', '{}'))
  assert.match(answer, /\{"error":"item: missing","field":"item"\}$/)
  assert.equal(scene.server.deps.counts.get('internalError'), undefined)
  assert.deepEqual(statements.slice(from), [])
})

test('many requests on one connection are answered in order', async (t) => {
  const scene = await setTheScene(t)
  const live = 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n'
  const last = 'GET /health/ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  const { answer } = await exchange(t, scene, live.repeat(50) + last)
  assert.equal(answer.match(/\{"live":1\}/g)?.length, 50)
  assert.match(answer, /\{"ready":1\}$/)
})

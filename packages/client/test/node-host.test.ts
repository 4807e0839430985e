import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { toBase64url } from '@vicinity/protocol'
import { SEALED_REPLY } from '@vicinity/protocol/robert'
import { CallFailed, httpCall } from '../src/hosts/node.ts'

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly port: number
}
const seen: Seen[] = []
let answer: (response: ServerResponse) => void

const server: Server = createServer(async (request, response) => {
  let body = ''
  for await (const part of request) body += part
  const { method = '', url = '', headers } = request
  seen.push({ method, url, headers, body, port: request.socket.remotePort ?? 0 })
  answer(response)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
after(() => {
  server.closeAllConnections()
  server.close()
})

const json = (status: number, body: unknown) => (response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
const refusedOf = async (promise: Promise<unknown>): Promise<boolean> => {
  const error = await promise.then(
    () => assert.fail('the call went through'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof CallFailed, String(error))
  return error.refused
}

const call = httpCall(baseUrl, 'Bearer secret')
const request = { request: new Uint8Array(96).fill(1) }

test('a call is encoded, sent, and its answer decoded; connections are used again', async () => {
  const reply = new Uint8Array(SEALED_REPLY).fill(3)
  answer = json(200, { reply: toBase64url(reply) })
  assert.deepEqual(await call('request', request), { reply })
  const first = seen.at(-1)
  assert.equal(first?.method, 'POST')
  assert.equal(first?.url, '/v1/request')
  assert.equal(first?.headers['content-type'], 'application/json')
  assert.deepEqual(JSON.parse(first?.body ?? ''), { request: toBase64url(request.request) })
  for (let k = 0; k < 20; k++) await call('request', request)
  const ports = new Set(seen.map(({ port }) => port))
  assert.ok(ports.size <= 3, `${ports.size} connections`)
})

test('a call without a body is a GET', async () => {
  answer = json(200, { live: 1 })
  assert.deepEqual(await call('live', {}), { live: 1 })
  assert.equal(seen.at(-1)?.method, 'GET')
  assert.equal(seen.at(-1)?.body, '')
})

test("the authority's header goes with the authority's endpoints only", async () => {
  answer = json(200, { code: '0A1B-2C3D-4E5F-6G7H', expires: 1 })
  await call('issueCode', { contagiousFrom: 0, contagiousTo: 1 } as never)
  assert.equal(seen.at(-1)?.headers.authorization, 'Bearer secret')
  answer = json(200, {})
  const upload = { item: new Uint8Array(21), random: new Uint8Array(32), token: new Uint8Array(64) }
  assert.deepEqual(await call('upload', upload), {})
  assert.equal(seen.at(-1)?.headers.authorization, undefined)
})

test('a 4xx answer is a refusal, unless it asks to come back; everything else is a failure', async () => {
  for (const [status, refused] of [
    [400, true],
    [404, true],
    [413, true],
    [408, false],
    [429, false],
    [500, false],
    [503, false],
  ] as const) {
    answer = json(status, { error: 'x' })
    assert.equal(await refusedOf(call('request', request)), refused, `${status}`)
  }
})

test('an answer of another shape, no JSON, too long, cut off or sent elsewhere is a failure', async () => {
  const answers: ((response: ServerResponse) => void)[] = [
    json(200, { reply: 'AAAA' }),
    json(200, { reply: toBase64url(new Uint8Array(SEALED_REPLY)), more: 1 }),
    json(200, []),
    (response) => response.end('<html>'),
    (response) => response.end(`"${'A'.repeat(400_000)}"`),
    (response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('{')
      response.destroy()
    },
    (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    (response) => response.destroy(),
  ]
  for (const each of answers) {
    answer = each
    assert.equal(await refusedOf(call('request', request)), false)
  }
})

test('a server that is not there is a failure, and what failed is named without its content', async () => {
  assert.equal(await refusedOf(httpCall('http://127.0.0.1:1')('request', request)), false)
  answer = json(200, { reply: 'secret!' })
  await assert.rejects(call('request', request), (error: Error) => !error.message.includes('secret'))
})

// Every endpoint of the table against everything that a sender can get wrong: 400 and the name of the field, nothing written.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { api, type EndpointName, fromHex, later, toBase64url } from '@vicinity/protocol'
import { drawPrivateKey, publicPoint } from '@vicinity/protocol/crypto'
import { CODE, solveChallenge } from '@vicinity/protocol/robert'
import type { FastifyInstance } from 'fastify'
import { makeHttp } from '../src/http.ts'
import { type BadBody, badBodies, badFields, badFieldValues, badHttp } from './bad-bodies.ts'
import {
  AUTHORITY,
  type BackEnd,
  backEnd,
  dump,
  itemOf,
  NOON,
  randomOf,
  registerPhone,
  requestOf,
  TODAY,
  withToken,
} from './fixture.ts'

interface Scene {
  readonly server: BackEnd
  readonly app: FastifyInstance
  /** A request of each endpoint that succeeds. */
  readonly good: Readonly<Record<EndpointName, Record<string, unknown>>>
}

async function setTheScene(t: TestContext): Promise<Scene> {
  const server = await backEnd(t)
  const phone = await registerPhone(server, 'phone')
  const publicKey = publicPoint(drawPrivateKey(randomOf('sender')))
  const { challenge } = await server.call('challenge', { publicKey })
  const window = { contagiousFrom: later(NOON, -60), contagiousTo: NOON }
  const { code } = await server.asAuthority('issueCode', window)
  const requests = [randomOf('request')(32), randomOf('other')(32)]
  const good = {
    challenge: api.challenge.request.encode({ publicKey }),
    register: api.register.request.encode({ publicKey, challenge, solution: solveChallenge(challenge) }),
    request: api.request.request.encode({ request: requestOf(server, phone, CODE.status) }),
    issueCode: api.issueCode.request.encode(window),
    issueReset: api.issueReset.request.encode({ testedAt: NOON }),
    codeWindow: { code },
    redeemCode: api.redeemCode.request.encode({ code, day: TODAY, chunk: 0, requests }),
    upload: api.upload.request.encode(withToken(server, itemOf(server, phone, NOON), TODAY)),
    parameters: {},
    clock: {},
    live: {},
    ready: {},
  } as Scene['good']
  const app = makeHttp(server.deps, () => server.clock.now)
  t.after(() => app.close())
  return { server, app, good }
}

const NAMES = Object.keys(api) as EndpointName[]
/** What no answer may hold: a stack, a module, a path, the name of an exception. */
const LEAK = /\bat (?:\/|\S+ \(|async)|node:|Error\b|\.[tj]s\b|\\n|FST_|SQLITE/

async function send({ app }: Scene, name: EndpointName, bad: BadBody, authorization?: string) {
  const headers = { 'content-type': 'application/json', ...bad.headers, ...(authorization && { authorization }) }
  const { statusCode, body } = await app.inject({ method: 'POST', url: api[name].path, headers, payload: bad.body })
  assert.doesNotMatch(body, LEAK)
  assert.ok(body.length < 400, body)
  return { statusCode, body, answer: JSON.parse(body) as { error: string; field?: string } }
}

async function refuses(scene: Scene, name: EndpointName, bad: BadBody): Promise<void> {
  const authority = api[name].auth === 'authority'
  const { statusCode, body, answer } = await send(scene, name, bad, authority ? AUTHORITY : undefined)
  assert.equal(statusCode, 400, body)
  // The place inside the field may follow: `requests[1]`.
  assert.equal(answer.field?.replace(/\[\d+\]$/, ''), bad.field, body)
  assert.ok(answer.error.startsWith(`${answer.field}: `), body)
  if (!authority || bad.unread) return
  assert.deepEqual((await send(scene, name, bad)).answer, { error: 'authorization' })
  assert.equal((await send(scene, name, bad, `${AUTHORITY}x`)).statusCode, 401)
}

for (const name of NAMES.filter((each) => api[each].method === 'POST')) {
  test(`${api[name].path}: everything wrong is a 400 that names the field, and changes nothing (T-65, T-66)`, async (t) => {
    const scene = await setTheScene(t)
    const good = scene.good[name]
    const before = dump(scene.server.path)
    const all = [...badBodies(name, good), ...badHttp(name, good), ...badFields(good), ...badFieldValues(name, good)]
    assert.ok(all.length > 50, `${all.length} bad requests`)
    for (const bad of all) {
      try {
        await refuses(scene, name, bad)
        assert.equal(dump(scene.server.path), before)
      } catch (error) {
        throw new Error(`${name}: ${bad.what}`, { cause: error })
      }
    }
    assert.equal(scene.server.deps.counts.get('internalError'), undefined)
    assert.equal((Object.prototype as { admin?: unknown }).admin, undefined)
    const headers = { authorization: AUTHORITY }
    const last = await scene.app.inject({ method: 'POST', url: api[name].path, headers, payload: good })
    assert.equal(last.statusCode, 200, 'the request that was spoilt is good')
    t.diagnostic(`${all.length} bad requests`)
  })
}

test('what is only to be read takes no body and no query, and answers the same', async (t) => {
  const scene = await setTheScene(t)
  for (const name of NAMES.filter((each) => api[each].method === 'GET')) {
    const { path } = api[name]
    const plain = await scene.app.inject({ method: 'GET', url: path })
    assert.equal(plain.statusCode, 200)
    for (const url of [`${path}?a=1`, `${path}?__proto__[admin]=1`, `${path}?${'a'.repeat(2000)}`]) {
      assert.equal((await scene.app.inject({ method: 'GET', url })).body, plain.body)
    }
    const payload = `{"__proto__":${'['.repeat(5000)}`
    assert.equal((await scene.app.inject({ method: 'GET', url: path, payload })).body, plain.body)
    const encoded = await scene.app.inject({ method: 'GET', url: path, headers: { 'content-encoding': 'gzip' } })
    assert.deepEqual([encoded.statusCode, encoded.json().field], [400, 'body'])
  }
})

test('another method or path is 404 and says no more', async (t) => {
  const scene = await setTheScene(t)
  const before = dump(scene.server.path)
  const urls = [
    '/',
    '/v1',
    '/v1/',
    '/v1/upload/',
    '/V1/upload',
    '/v1//upload',
    '/v1/%zz',
    '/v1/%2e%2e',
    `/${'a'.repeat(9000)}`,
  ]
  const others = NAMES.flatMap((name) => {
    const { path, method } = api[name]
    const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'].filter((each) => each !== method)
    return methods.map((each) => ({ method: each, url: path, payload: scene.good[name] }))
  })
  for (const request of [...urls.map((url) => ({ method: 'POST', url, payload: {} })), ...others]) {
    const { statusCode, body } = await scene.app.inject(request as never)
    assert.equal(statusCode, 404, `${request.method} ${request.url}`)
    if (request.method !== 'HEAD') assert.equal(body, '{"error":"no such endpoint"}')
  }
  assert.equal(dump(scene.server.path), before)
})

const P = 'ffffffff00000001000000000000000000000000ffffffffffffffffffffffff'
const GENERATOR_X = '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'
const GENERATOR_Y = '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'

/** Points that no phone may register with, as they would stand in `publicKey`. */
function badPoints(): Record<string, Uint8Array> {
  const point = (first: string, x = GENERATOR_X, y = GENERATOR_Y) => fromHex(first + x + y)
  const turned = point('04').map((byte, at) => (at === 64 ? byte ^ 1 : byte))
  const firsts = Array.from({ length: 256 }, (_, first) => first).filter((first) => first !== 4)
  return {
    'one bit beside the curve': turned,
    'x and y exchanged': point('04', GENERATOR_Y, GENERATOR_X),
    'infinity as 65 bytes': point('04', '00'.repeat(32), '00'.repeat(32)),
    'infinity as one byte': Uint8Array.of(0),
    'all ones': point('04', 'ff'.repeat(32), 'ff'.repeat(32)),
    'x of p': point('04', P, GENERATOR_Y),
    'y of p': point('04', GENERATOR_X, P),
    'x above p': point('04', P.replace(/f{8}$/, 'fffffffe'), P),
    compressed: fromHex(`03${GENERATOR_X}`),
    'compressed and padded': fromHex(`03${GENERATOR_X}${'00'.repeat(32)}`),
    'as SubjectPublicKeyInfo': fromHex(
      `3059301306072a8648ce3d020106082a8648ce3d030107034200${Buffer.from(point('04')).toString('hex')}`,
    ),
    ...Object.fromEntries(firsts.map((first) => [`first byte ${first}`, point(first.toString(16).padStart(2, '0'))])),
  }
}

test('points off the curve, at infinity, compressed and hybrid are 400 and name publicKey (T-01, T-02, T-03, T-04)', async (t) => {
  const scene = await setTheScene(t)
  const generator = { publicKey: toBase64url(fromHex(`04${GENERATOR_X}${GENERATOR_Y}`)) }
  const good = await send(scene, 'challenge', { what: 'good', field: '', body: JSON.stringify(generator) })
  assert.equal(good.statusCode, 200)
  const before = dump(scene.server.path)
  for (const [what, point] of Object.entries(badPoints())) {
    for (const name of ['challenge', 'register'] as const) {
      const body = JSON.stringify({ ...scene.good[name], publicKey: toBase64url(point) })
      await refuses(scene, name, { what, field: 'publicKey', body })
    }
  }
  assert.equal(dump(scene.server.path), before)
})

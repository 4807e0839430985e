import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { api, DAY_SECONDS, fromBase64url } from '@vicinity/protocol'
import { CODE, openReply, PARAMETERS } from '@vicinity/protocol/robert'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import { makeHttp } from '../src/http.ts'
import {
  type BackEnd,
  backEnd,
  NOON,
  parametersOf,
  pass,
  randomOf,
  registerPhone,
  requestOf,
  SERVICE_START,
} from './fixture.ts'

function over(t: TestContext, server: BackEnd) {
  const app = makeHttp(server.deps, () => server.clock.now)
  t.after(() => app.close())
  return app
}

const get = async (app: ReturnType<typeof over>, url: string) => {
  const { statusCode, headers, body } = await app.inject({ method: 'GET', url })
  return { statusCode, retryAfter: headers['retry-after'], json: JSON.parse(body) }
}

test('a back-end with its keys is live and ready', async (t) => {
  const app = over(t, await backEnd(t))
  assert.deepEqual(await get(app, '/health/live'), { statusCode: 200, retryAfter: undefined, json: { live: 1 } })
  assert.deepEqual(await get(app, '/health/ready'), { statusCode: 200, retryAfter: undefined, json: { ready: 1 } })
})

test('without the server keys of today or of the bundle a back-end is live and not ready', async (t) => {
  const server = await backEnd(t, { serverKeys: false })
  const app = over(t, server)
  assert.deepEqual(await get(app, '/health/ready'), {
    statusCode: 503,
    retryAfter: '30',
    json: { error: 'not ready: serverKeys' },
  })
  await keepServerKeys(server.deps, NOON)
  assert.equal((await get(app, '/health/ready')).statusCode, 200)
  // The spare days are used up: a stopped job is noticed before a phone lacks an identifier.
  pass(server, 2 * DAY_SECONDS)
  assert.equal((await get(app, '/health/ready')).statusCode, 200)
  pass(server, DAY_SECONDS)
  assert.equal((await get(app, '/health/ready')).statusCode, 503)
  assert.equal((await get(app, '/health/live')).statusCode, 200)
})

test('when the store is closed everything that needs it is 503 with Retry-After and says no more', async (t) => {
  const server = await backEnd(t)
  const phone = await registerPhone(server, 'phone')
  const app = over(t, server)
  const request = requestOf(server, phone, CODE.status)
  await server.deps.store.close()
  assert.deepEqual(await get(app, '/health/ready'), {
    statusCode: 503,
    retryAfter: '30',
    json: { error: 'not ready: store' },
  })
  const payload = api.request.request.encode({ request }) as object
  const answer = await app.inject({ method: 'POST', url: api.request.path, payload })
  assert.deepEqual([answer.statusCode, answer.headers['retry-after'], answer.json()], [503, '30', { error: 'store' }])
  assert.equal((await get(app, '/health/live')).statusCode, 200)
  assert.equal((await get(app, '/v1/parameters')).statusCode, 200)
  assert.equal(server.deps.counts.get('internalError'), undefined)
})

test('a row that was altered belongs to nobody: its owner gets the constant reply, and it is counted (F18)', async (t) => {
  const server = await backEnd(t)
  const phone = await registerPhone(server, 'phone')
  const app = over(t, server)
  const payload = api.request.request.encode({ request: requestOf(server, phone, CODE.status) }) as object
  const database = new DatabaseSync(server.path)
  database.prepare('update user_key set authentication_key = ? where id = ?').run(randomOf('other')(60), phone.id)
  database.close()
  const answer = await app.inject({ method: 'POST', url: api.request.path, payload })
  assert.equal(answer.statusCode, 200)
  assert.equal(openReply(phone.keys.encryptionKey, fromBase64url(answer.json().reply)), undefined)
  assert.equal(server.deps.counts.get('store.userAltered'), 1)
})

test('the parameters in force are public: every row of the table, the start of the service, the risk function', async (t) => {
  const app = over(t, await backEnd(t, { parameters: { statusGap: 7 } }))
  const { json } = await get(app, '/v1/parameters')
  assert.deepEqual(json, {
    serviceStart: SERVICE_START,
    riskFunction: 'slots-1',
    parameters: parametersOf({ statusGap: 7 }),
  })
  assert.deepEqual(Object.keys(json.parameters).sort(), Object.keys(PARAMETERS).sort())
  assert.doesNotThrow(() => api.parameters.response.decode(json, 'body'))
})

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { api, epochStart, LAST_EPOCH, later, ntpOf, type UnixSeconds } from '@vicinity/protocol'
import { makeHttp } from '../src/http.ts'
import { backEnd, SERVICE_START, unix } from './fixture.ts'

async function clockOf(t: TestContext) {
  const server = await backEnd(t)
  const app = makeHttp(server.deps, () => server.clock.now)
  t.after(() => app.close())
  const at = async (time: UnixSeconds) => {
    server.clock.now = time
    const { statusCode, headers, body } = await app.inject({ method: 'GET', url: '/v1/clock' })
    return { statusCode, retryAfter: headers['retry-after'], json: JSON.parse(body) }
  }
  return { server, at }
}

test('ROBERT §3.1: GET /v1/clock tells NTP time, epoch and calendar, in the first second and in the last of an epoch', async (t) => {
  const { at } = await clockOf(t)
  for (const [seconds, epoch] of [
    [0, 0],
    [899, 0],
    [900, 1],
    [86_400, 96],
  ] as const) {
    const time = later(SERVICE_START, seconds)
    const { statusCode, json } = await at(time)
    assert.equal(statusCode, 200)
    assert.deepEqual(json, { serverTime: ntpOf(time), epoch, serviceStart: SERVICE_START, epochDuration: 900 })
    assert.doesNotThrow(() => api.clock.response.decode(json, 'body'))
  }
})

test('the time goes on over the end of the NTP era in 2036: more than 32 bits, not 0', async (t) => {
  const { at } = await clockOf(t)
  assert.equal((await at(unix('2036-02-07T06:28:15Z'))).json.serverTime, 2 ** 32 - 1)
  assert.equal((await at(unix('2036-02-07T06:28:16Z'))).json.serverTime, 2 ** 32)
})

test('before the start of the service, and after its last epoch, GET /v1/clock is 503 with Retry-After', async (t) => {
  const { server, at } = await clockOf(t)
  const early = { statusCode: 503, retryAfter: '30', json: { error: 'the service has not started' } }
  assert.deepEqual(await at(later(SERVICE_START, -1)), early)
  const end = epochStart(server.deps.calendar, LAST_EPOCH + 1)
  assert.equal((await at(later(end, -1))).json.epoch, LAST_EPOCH)
  assert.equal((await at(end)).statusCode, 503)
})

// The queue has a bound: beyond it an upload is refused before any work, in the same way for every item (I9).
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { api, dayOf } from '@vicinity/protocol'
import { failingConditions } from '../src/conditions.ts'
import { processContacts } from '../src/flows/process-contacts.ts'
import { lookAtQueue } from '../src/flows/queue-room.ts'
import { makeHttp } from '../src/http.ts'
import { backEnd, countRows, dump, itemOf, NOON, pass, randomOf, registerPhone, withToken } from './fixture.ts'

const MOST = 5

async function start(t: TestContext) {
  const server = await backEnd(t, { settings: { mostQueuedItems: MOST } })
  const phone = await registerPhone(server, 'phone')
  const app = makeHttp(server.deps, () => server.clock.now)
  t.after(() => app.close())
  const inputOf = (n: number) => withToken(server, itemOf(server, phone, NOON), dayOf(NOON), randomOf(`token ${n}`)(32))
  const send = async (input: ReturnType<typeof inputOf>) => {
    const payload = JSON.stringify(api.upload.request.encode(input))
    return app.inject({
      method: 'POST',
      url: api.upload.path,
      headers: { 'content-type': 'application/json' },
      payload,
    })
  }
  return { server, inputOf, send }
}

test('a full queue refuses every item with 503 and Retry-After before any work, and takes more when there is room (I9)', async (t) => {
  const { server, inputOf, send } = await start(t)
  const { deps } = server
  await lookAtQueue(deps)
  for (let n = 0; n < MOST; n++) assert.equal((await send(inputOf(n))).statusCode, 200)
  assert.deepEqual(await failingConditions(deps, server.clock.now), [])
  await lookAtQueue(deps)
  assert.deepEqual(await failingConditions(deps, server.clock.now), ['queue'])
  const before = dump(server.path)
  server.statements.length = 0
  const forged = { ...inputOf(9), token: inputOf(9).token.map((byte) => byte ^ 1) }
  const answers = await Promise.all([inputOf(0), inputOf(MOST), forged].map(send))
  for (const answer of answers) {
    assert.deepEqual([answer.statusCode, answer.headers['retry-after']], [503, '30'])
    assert.equal(answer.body, answers[0]!.body)
  }
  assert.deepEqual([server.statements, dump(server.path)], [[], before])
  assert.equal(deps.counts.get('upload.queueFull'), answers.length)
  pass(server, 6 * 3600)
  await processContacts(deps, server.clock.now)
  await lookAtQueue(deps)
  assert.deepEqual([(await send(inputOf(0))).statusCode, (await send(inputOf(MOST))).statusCode], [200, 200])
  // The first was spent before.
  assert.equal(countRows(server.path, 'item_queue'), 1)
})

test('until the queue is looked at for the first time it takes items', async (t) => {
  const { inputOf, send } = await start(t)
  for (let n = 0; n < MOST + 2; n++) assert.equal((await send(inputOf(n))).statusCode, 200)
})

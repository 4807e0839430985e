// T-16: whoever heard an identifier in the street and asks about it learns nothing, whatever the request is made of.
import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { type Epoch, epochAt, later, ntpOf, toBase64url } from '@vicinity/protocol'
import {
  buildRequest,
  CODE,
  makeEbids,
  openReply,
  packItem,
  REQUEST_REFUSALS,
  RESET_TOKEN,
  type Reply,
  type RequestRefusal,
  renewPayload,
  SEALED_REPLY,
  SIZE,
  SPEC,
} from '@vicinity/protocol/robert'
import { makeHttp } from '../src/http.ts'
import {
  acknowledge,
  askStatus,
  type BackEnd,
  backEnd,
  dump,
  expose,
  NOON,
  type Phone,
  pairAt,
  randomOf,
  registerPhone,
  requestOf,
  TODAY,
} from './fixture.ts'
import { throwawayDatabases } from './postgres-fixture.ts'

const postgres = await throwawayDatabases(after)
const skip = postgres.without

interface Sent {
  readonly name: string
  readonly request: Uint8Array
  /** The step that refuses; undefined where the request is served. */
  readonly reason?: RequestRefusal
  /** Who can open the reply, and what it says. */
  readonly phone?: Phone | undefined
  readonly kind?: number
  readonly atRisk?: boolean
}

interface People {
  readonly healthy: Phone
  readonly atRisk: Phone
  readonly hasAsked: Phone
  readonly acknowledged: Phone
  readonly pending: Phone
  readonly pendingReply: Reply
  readonly leaving: Phone
}

async function people(server: BackEnd): Promise<People> {
  const now = epochAt(server.deps.calendar, NOON)
  const [healthy, atRisk, hasAsked, acknowledged, pending, leaving] = [
    await registerPhone(server, 'healthy'),
    await registerPhone(server, 'at risk'),
    await registerPhone(server, 'has asked'),
    await registerPhone(server, 'acknowledged'),
    await registerPhone(server, 'pending'),
    await registerPhone(server, 'leaving'),
  ]
  for (const phone of [atRisk, acknowledged, pending, leaving]) await expose(server, phone, now - 96)
  await askStatus(server, hasAsked)
  const warned = await askStatus(server, acknowledged)
  await acknowledge(server, acknowledged, warned!.replyId)
  return {
    healthy,
    atRisk,
    hasAsked,
    acknowledged,
    pending,
    leaving,
    pendingReply: (await askStatus(server, pending))!,
  }
}

/** A request with parts of one's choice; the rest as a phone would make it now. */
function forged(server: BackEnd, phone: Phone, parts: Partial<Parameters<typeof buildRequest>[2]>): Uint8Array {
  const at = server.clock.now
  const epoch = epochAt(server.deps.calendar, at)
  const ebid = pairAt(server, phone, at).subarray(0, SIZE.ebid)
  const whole = { code: CODE.status, ebid, epoch, time: ntpOf(at), payload: new Uint8Array(0), ...parts }
  return buildRequest(SPEC, phone.keys.authenticationKey, whole)
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

function refusedRequests(server: BackEnd, { healthy, hasAsked, acknowledged }: People): Sent[] {
  const { deps } = server
  const now = epochAt(deps.calendar, NOON)
  const own = requestOf(server, healthy, CODE.status)
  const ofNobody = makeEbids(deps.keys.serverKeyOf(TODAY)!, (healthy.id + 1) % 2 ** 40, now, 1)
  const random = randomOf('noise')
  const step = (reason: RequestRefusal, what: string, request: Uint8Array): Sent => ({
    name: `ROBERT §7 step ${REQUEST_REFUSALS[reason]}: ${what}`,
    request,
    reason,
  })
  const after = (seconds: number) => forged(server, healthy, { time: ntpOf(later(NOON, seconds)) })
  return [
    step('malformed', 'no byte', new Uint8Array(0)),
    step('malformed', '95 bytes of a good request', own.subarray(1)),
    step('malformed', '1,024 bytes', random(1024)),
    step('malformed', 'an item', packItem(own.subarray(0, 16), ntpOf(NOON), 0)),
    step('malformed', 'a code that there is not', forged(server, healthy, { code: 200 })),
    step('malformed', 'the code of a HELLO', forged(server, healthy, { code: CODE.hello })),
    step('malformed', 'an epoch of more than 24 bits', flipped(own, 9)),
    step('malformed', 'a payload where none belongs', flipped(own, 40)),
    step('clockTooFar', 'a minute old (T-18)', after(-60)),
    step('clockTooFar', 'a minute ahead (T-18)', after(60)),
    step('clockTooFar', 'from another era', forged(server, healthy, { time: ntpOf(later(NOON, 2 ** 31)) })),
    step('noServerKey', 'an epoch to come', forged(server, healthy, { epoch: (now + 3000) as Epoch })),
    step(
      'epochMismatch',
      'another epoch than that of the identifier',
      forged(server, healthy, { epoch: (now + 1) as Epoch }),
    ),
    step('epochMismatch', 'a random identifier', forged(server, healthy, { ebid: random(8) })),
    step('unknownId', 'an identifier of nobody', forged(server, healthy, { ebid: ofNobody })),
    step('macInvalid', 'one bit of the MAC', flipped(own, 95)),
    step('macInvalid', 'the key of another phone', forged(server, { ...healthy, keys: hasAsked.keys }, {})),
    step(
      'resetInvalid',
      'a token of nobody',
      requestOf(server, acknowledged, CODE.reset, { payload: random(RESET_TOKEN) }),
    ),
    step('alreadyNotified', 'who acknowledged', requestOf(server, acknowledged, CODE.status)),
    step('tooEarly', 'who has just asked', forged(server, hasAsked, { time: ntpOf(later(NOON, 1)) })),
  ]
}

function servedRequests(server: BackEnd, all: People, token: Uint8Array): Sent[] {
  const { healthy, atRisk, acknowledged, pending, pendingReply, leaving } = all
  const now = epochAt(server.deps.calendar, NOON)
  const of = (name: string, phone: Phone, code: number, payload?: Uint8Array): Sent => {
    const request = requestOf(server, phone, code, payload === undefined ? {} : { payload })
    return { name, phone, request, kind: code, atRisk: false }
  }
  return [
    of('valid, "0"', healthy, CODE.status),
    { ...of('valid, "1"', atRisk, CODE.status), atRisk: true },
    { ...of('valid, "1" again', atRisk, CODE.status), atRisk: true },
    of('renew', healthy, CODE.renew, renewPayload(now)),
    of('renew while a warning is pending', atRisk, CODE.renew, renewPayload(now)),
    of('renew after a warning', acknowledged, CODE.renew, renewPayload(now)),
    of('acknowledge', pending, CODE.acknowledge, pendingReply.replyId),
    of('acknowledge again', pending, CODE.acknowledge, pendingReply.replyId),
    of('acknowledge nothing', healthy, CODE.acknowledge),
    of('delete history', atRisk, CODE.deleteHistory),
    of('delete history again', atRisk, CODE.deleteHistory),
    of('reset', acknowledged, CODE.reset, token),
    of('reset again', acknowledged, CODE.reset, token),
    {
      ...of('ROBERT §7 step 7: the token of somebody else', healthy, CODE.reset, token),
      reason: 'resetInvalid',
      phone: undefined,
    },
    of('unregister', leaving, CODE.unregister),
    { ...of('ROBERT §7 step 5: unregister again', leaving, CODE.unregister), reason: 'unknownId', phone: undefined },
  ]
}

/** What an observer sees of an answer, and what the back-end did for it. */
async function observe(t: TestContext, server: BackEnd) {
  const app = makeHttp(server.deps, () => server.clock.now)
  t.after(() => app.close())
  return async (request: Uint8Array) => {
    const from = server.statements.length
    const payload = { request: toBase64url(request) }
    const { statusCode, headers, json, body } = await app.inject({ method: 'POST', url: '/v1/request', payload })
    const { date: _date, ...others } = headers
    const reply: string = json().reply
    const seen = { statusCode, headers: others, length: body.length, shape: body.replace(reply, '') }
    return { seen, statements: server.statements.slice(from), reply: Buffer.from(reply, 'base64url') }
  }
}

test('every outcome of an authenticated request looks alike: status, headers, length, statements (T-16, T-21)', async (t) => {
  await assertAlike(t, await backEnd(t), ({ path }) => dump(path))
})

test('on PostgreSQL too every outcome of an authenticated request looks alike (T-16, T-21)', {
  skip,
}, async (t) => {
  await assertAlike(t, await backEnd(t, { store: await postgres.newDatabase() }), () => '')
})

/** Sends requests of every kind, one after the other. `held` is what the database holds, as text. */
async function assertAlike(t: TestContext, server: BackEnd, held: (server: BackEnd) => string): Promise<void> {
  const all = await people(server)
  const send = await observe(t, server)
  const first = await send(new Uint8Array(0))
  for (const name of ['begin', 'user', 'changeStatus', 'commit']) assert.ok(first.statements.includes(name), name)
  assert.equal(first.seen.statusCode, 200)
  const { token } = await server.asAuthority('issueReset', { testedAt: later(NOON, -3600) })
  for (const sent of [...refusedRequests(server, all), ...servedRequests(server, all, token)]) {
    await t.test(sent.name, async () => {
      const before = held(server)
      const refusals = () => server.deps.counts.get(`request.refused.${sent.reason}`) ?? 0
      const counted = refusals()
      const answer = await send(sent.request)
      assert.deepEqual([answer.seen, answer.statements], [first.seen, first.statements])
      assert.equal(answer.reply.length, SEALED_REPLY)
      if (sent.reason !== undefined) assert.deepEqual([refusals(), held(server)], [counted + 1, before])
      for (const phone of [all.healthy, all.atRisk, all.hasAsked, all.acknowledged, all.pending, all.leaving]) {
        const opened = openReply(phone.keys.encryptionKey, answer.reply)
        const expected = phone === sent.phone ? [sent.kind, sent.atRisk] : [undefined, undefined]
        assert.deepEqual([opened?.kind, opened?.atRisk], expected)
      }
    })
  }
}

test('requests of every kind that come together are decided together, and each reply is for its own phone (T-16)', async (t) => {
  const server = await backEnd(t)
  const all = await people(server)
  const send = await observe(t, server)
  const { healthy, atRisk, hasAsked, acknowledged, pending } = all
  const served = [healthy, atRisk].map((phone) => ({ phone, request: requestOf(server, phone, CODE.status) }))
  const late = [hasAsked, acknowledged].map((phone) => forged(server, phone, { time: ntpOf(later(NOON, 1)) }))
  const reply = acknowledgementOf(server, pending, all.pendingReply)
  const refused = refusedRequests(server, all).filter(
    ({ name }) => !name.includes('step 7') && !name.includes('step 8'),
  )
  const requests = [...served.map(({ request }) => request), reply, ...late, ...refused.map(({ request }) => request)]
  const from = server.statements.length
  const answers = await Promise.all(requests.map((request) => send(request)))
  const begun = server.statements.slice(from).filter((name) => name === 'begin').length
  assert.ok(begun * 4 < requests.length, `${begun} batches of ${requests.length} requests`)
  for (const { seen } of answers) assert.deepEqual(seen, answers[0]!.seen)
  const opened = answers.map((answer) =>
    [healthy, atRisk, pending, hasAsked, acknowledged].flatMap(({ id, keys }) => {
      const read = openReply(keys.encryptionKey, answer.reply)
      return read === undefined ? [] : [[id, read.kind, read.atRisk]]
    }),
  )
  assert.deepEqual(opened.slice(0, 3), [
    [[healthy.id, CODE.status, false]],
    [[atRisk.id, CODE.status, true]],
    [[pending.id, CODE.acknowledge, false]],
  ])
  assert.deepEqual(opened.slice(3).flat(), [])
})

const acknowledgementOf = (server: BackEnd, phone: Phone, { replyId }: Reply): Uint8Array =>
  requestOf(server, phone, CODE.acknowledge, { payload: replyId })

test('every length from 0 to 1,024 bytes gets the constant reply, and nothing is written (ROBERT §7 step 1)', async (t) => {
  const server = await backEnd(t)
  const phone = await registerPhone(server, 'phone')
  const send = await observe(t, server)
  const good = requestOf(server, phone, CODE.status)
  const noise = randomOf('lengths')
  const before = dump(server.path)
  const first = await send(noise(96))
  for (let length = 0; length <= 1024; length++) {
    const request = noise(length)
    if (length !== 96) request.set(good.subarray(0, length))
    const { seen, statements } = await send(request)
    assert.deepEqual([seen, statements], [first.seen, first.statements], `${length} bytes`)
  }
  assert.equal(dump(server.path), before)
})

test('each of the 768 bits of a request matters: one that is turned gets the constant reply (T-28)', async (t) => {
  const server = await backEnd(t)
  const phone = await registerPhone(server, 'phone')
  const send = await observe(t, server)
  const good = requestOf(server, phone, CODE.status)
  const before = dump(server.path)
  for (let bit = 0; bit < 8 * SIZE.request; bit++) {
    const request = good.map((byte, i) => (i === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte))
    const { reply } = await send(request)
    assert.equal(openReply(phone.keys.encryptionKey, reply), undefined, `bit ${bit}`)
  }
  assert.equal(dump(server.path), before)
  assert.notEqual(openReply(phone.keys.encryptionKey, (await send(good)).reply), undefined)
})

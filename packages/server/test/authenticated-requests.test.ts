import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, dayOfEpoch, type Epoch, epochAt, firstEpochOfDay, later, ntpOf, toHex } from '@vicinity/protocol'
import { buildHello, CODE, makeList, openReply, type Reply, renewPayload, SIZE } from '@vicinity/protocol/robert'
import { authenticatedRequests } from '../src/flows/authenticated-requests.ts'
import { purge } from '../src/flows/purge.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import type { Store } from '../src/store/store.ts'
import {
  acknowledge,
  ask,
  askStatus,
  type BackEnd,
  backEnd,
  dump,
  expose,
  exposuresOf,
  NOON,
  type Phone,
  pairAt,
  pass,
  registerPhone,
  renew,
  requestOf,
  TODAY,
} from './fixture.ts'

const DAY = 86_400
const EPOCHS_A_DAY = 96
const nowOf = (server: BackEnd): Epoch => epochAt(server.deps.calendar, server.clock.now)

async function start(...args: Parameters<typeof backEnd>): Promise<{ server: BackEnd; phone: Phone }> {
  const server = await backEnd(...args)
  return { server, phone: await registerPhone(server, 'phone') }
}

const statusOf = async ({ deps }: BackEnd, { id }: Phone) =>
  (await deps.store.transaction((tx) => tx.usersOf([id]))).get(id)!.status

test('who is at risk is told so with the day of the newest exposure, others are not (ROBERT §7)', async (t) => {
  const { server, phone } = await start(t)
  const other = await registerPhone(server, 'other')
  const newest = nowOf(server) - 3 * EPOCHS_A_DAY
  await expose(server, phone, newest - EPOCHS_A_DAY)
  await expose(server, phone, newest)
  const [told, healthy] = [await askStatus(server, phone), await askStatus(server, other)]
  assert.deepEqual([told?.atRisk, told?.exposureDay], [true, TODAY - 3])
  assert.deepEqual([healthy?.atRisk, healthy?.exposureDay], [false, 0])
  assert.equal(told?.serverTime, ntpOf(NOON))
  assert.equal(dayOfEpoch(server.deps.calendar, newest as Epoch), TODAY - 3)
})

test('a lost "1" is answered again, five times, with the same reply id, until it is acknowledged (T-22, I5)', async (t) => {
  const { server, phone } = await start(t)
  await expose(server, phone, nowOf(server) - 10)
  const replies: (Reply | undefined)[] = []
  for (let lost = 0; lost < 6; lost++) {
    replies.push(await askStatus(server, phone))
    pass(server, 7)
  }
  assert.deepEqual(
    replies.map((reply) => reply?.atRisk),
    Array(6).fill(true),
  )
  assert.equal(new Set(replies.map((reply) => toHex(reply!.replyId))).size, 1)
  assert.equal((await statusOf(server, phone)).notified, 'pending')
})

test('"1" stays until the acknowledgement although its exposures expire and the parameters get stricter (I5, I7)', async (t) => {
  const { server, phone } = await start(t)
  await expose(server, phone, nowOf(server) - 10 * EPOCHS_A_DAY)
  const first = await askStatus(server, phone)
  assert.equal(first?.atRisk, true)
  await keepServerKeys(server.deps, pass(server, 4 * DAY))
  await purge(server.deps, server.clock.now)
  assert.equal((await exposuresOf(server, phone.id)).length, 0)
  const strict = server.with({ riskMinutes: 240, riskSlots: 48, riskNewestDays: 1 })
  const again = await askStatus(strict, phone)
  assert.deepEqual([again?.atRisk, again?.exposureDay], [true, first!.exposureDay])
  assert.deepEqual(again?.replyId, first?.replyId)
  const unasked = await acknowledge(strict, phone, new Uint8Array(SIZE.replyId))
  assert.equal(unasked?.kind, CODE.acknowledge)
  assert.equal((await askStatus(strict, phone))?.atRisk, true)
})

test('ROBERT §7 step 7: who acknowledged gets no status any more, also after T and with new exposures', async (t) => {
  const { server, phone } = await start(t)
  await expose(server, phone, nowOf(server) - 10)
  const warned = await askStatus(server, phone)
  assert.equal((await acknowledge(server, phone, warned!.replyId))?.kind, CODE.acknowledge)
  assert.equal((await statusOf(server, phone)).notified, 'acknowledged')
  assert.equal(await askStatus(server, phone), undefined)
  pass(server, 2 * DAY)
  await expose(server, phone, nowOf(server) - 1)
  assert.equal(await askStatus(server, phone), undefined)
  assert.equal(server.deps.counts.get('request.refused.alreadyNotified'), 2)
  assert.equal((await acknowledge(server, phone, warned!.replyId))?.kind, CODE.acknowledge)
})

test('only the reply id of the pending warning acknowledges it; that of a "0" or of another person does not', async (t) => {
  const { server, phone } = await start(t)
  const other = await registerPhone(server, 'other')
  const healthy = await askStatus(server, phone)
  for (const each of [phone, other]) await expose(server, each, nowOf(server) - 10)
  pass(server, 24 * 900)
  await askStatus(server, phone)
  const strange = await askStatus(server, other)
  for (const replyId of [healthy!.replyId, strange!.replyId, new Uint8Array(8)]) {
    assert.equal((await acknowledge(server, phone, replyId))?.kind, CODE.acknowledge)
    assert.equal((await statusOf(server, phone)).notified, 'pending')
  }
})

test('renew is served in every state and its reply never tells which (ROBERT §7: a notified phone keeps broadcasting)', async (t) => {
  const { server, phone } = await start(t)
  const first = nowOf(server) + 50
  const replies = [await renew(server, phone, first)]
  await expose(server, phone, nowOf(server) - 10)
  const warned = await askStatus(server, phone)
  replies.push(await renew(server, phone, first))
  await acknowledge(server, phone, warned!.replyId)
  replies.push(await renew(server, phone, first))
  for (const reply of replies) assert.deepEqual({ ...reply, nextPoll: 0 }, { ...replies[0], nextPoll: 0 })
  const { kind, atRisk, exposureDay, replyId, list } = replies[0]!
  assert.deepEqual([kind, atRisk, exposureDay, toHex(replyId)], [CODE.renew, false, 0, '00'.repeat(8)])
  assert.deepEqual(list.pairs, phone.list.pairs.subarray(SIZE.pair * 50, SIZE.pair * 146))
})

test('renew gives identifiers between now and the end of the bundle, at most a day of them', async (t) => {
  const { server, phone } = await start(t)
  const now = nowOf(server)
  const end = firstEpochOfDay(server.deps.calendar, TODAY + 5)
  for (const [wanted, first, count] of [
    [0, now, 96],
    [now - 1, now, 96],
    [now, now, 96],
    [now + 1, now + 1, 96],
    [end - 96, end - 96, 96],
    [end - 5, end - 5, 5],
    [end, end, 0],
    [end + 1000, end, 0],
    [2 ** 32 - 1, end, 0],
  ] as const) {
    const reply = await renew(server, phone, wanted)
    assert.deepEqual([reply?.list.first, reply!.list.pairs.length / SIZE.pair], [first, count], `from ${wanted - now}`)
  }
})

test('a status reply carries the identifiers of the last day of the bundle (ROBERT §4)', async (t) => {
  const { server, phone } = await start(t)
  const { list } = (await askStatus(server, phone))!
  const last = firstEpochOfDay(server.deps.calendar, TODAY + 4)
  assert.equal(list.first, last)
  assert.deepEqual(list.pairs, phone.list.pairs.subarray(SIZE.pair * (last - phone.list.first)))
  assert.equal(list.pairs.length, SIZE.pair * EPOCHS_A_DAY)
  pass(server, DAY / 2)
  await keepServerKeys(server.deps, server.clock.now)
  const next = (await askStatus(server, phone))!.list
  assert.equal(next.first, last + EPOCHS_A_DAY)
})

test('in one batch everybody gets identifiers of her own, and nobody else opens them (ROBERT §4)', async (t) => {
  const { server, phone } = await start(t)
  const { deps } = server
  const phones = [phone, await registerPhone(server, 'other'), await registerPhone(server, 'third')]
  const from = (nowOf(server) + 10) as Epoch
  const last = firstEpochOfDay(deps.calendar, TODAY + 4)
  const asked = [
    { of: 1, code: CODE.renew, first: from },
    { of: 0, code: CODE.status, first: last },
    { of: 2, code: CODE.renew, first: from },
    { of: 1, code: CODE.status, first: last },
    { of: 0, code: CODE.renew, first: from },
  ]
  const requests = asked.map(({ of, code }) =>
    requestOf(server, phones[of]!, code, code === CODE.renew ? { payload: renewPayload(from) } : {}),
  )
  const replies = await authenticatedRequests(deps, requests, NOON)
  for (const [n, { of, code, first }] of asked.entries()) {
    const opened = phones.map(({ keys }) => openReply(keys.encryptionKey, replies[n]!))
    assert.deepEqual(
      opened.map((reply) => reply?.kind),
      phones.map((_, k) => (k === of ? code : undefined)),
    )
    const [got, own] = [opened[of]!.list, makeList(deps.robert, phones[of]!.id, first, EPOCHS_A_DAY)]
    assert.deepEqual([got.first, toHex(got.pairs)], [own.first, toHex(own.pairs)], `request ${n}`)
  }
  const lists = new Set(
    asked.map(({ of }, n) => toHex(openReply(phones[of]!.keys.encryptionKey, replies[n]!)!.list.pairs)),
  )
  assert.equal(lists.size, asked.length)
})

test('ROBERT §7 step 8: one epoch before T refuses, T epochs to the second are enough', async (t) => {
  const { server, phone } = await start(t, { at: later(NOON, 899) })
  const { statusGap } = server.deps.robert.parameters
  assert.equal((await askStatus(server, phone))?.atRisk, false)
  server.clock.now = later(NOON, statusGap * 900 - 1)
  assert.equal(await askStatus(server, phone), undefined)
  assert.equal(server.deps.counts.get('request.refused.tooEarly'), 1)
  assert.equal((await statusOf(server, phone)).lastStatusRequestEpoch, epochAt(server.deps.calendar, NOON))
  pass(server, 1)
  assert.equal((await askStatus(server, phone))?.atRisk, false)
  assert.equal((await statusOf(server, phone)).lastStatusRequestEpoch, nowOf(server))
})

test('the same bytes get the same decision while they are fresh, 1,000 times, and change nothing (T-17)', async (t) => {
  const { server, phone } = await start(t)
  const request = requestOf(server, phone, CODE.status)
  assert.equal((await ask(server, phone, request))?.atRisk, false)
  await expose(server, phone, nowOf(server) - 10)
  const before = dump(server.path)
  for (let replay = 0; replay < 1000; replay++) {
    server.clock.now = later(NOON, replay % 60)
    assert.equal((await ask(server, phone, request))?.atRisk, false)
  }
  server.clock.now = later(NOON, 60)
  assert.equal(await ask(server, phone, request), undefined)
  assert.equal(dump(server.path), before)
})

test('of 64 parallel requests of one phone that differ one is answered as status (T-23)', async (t) => {
  const { server, phone } = await start(t)
  const requests = Array.from({ length: 64 }, (_, n) => requestOf(server, phone, CODE.status, { at: later(NOON, n) }))
  server.clock.now = later(NOON, 30)
  const fresh = requests.map((request) => ask(server, phone, request))
  const answered = (await Promise.all(fresh)).filter((reply) => reply !== undefined)
  assert.equal(answered.length, 1)
  assert.equal(server.deps.counts.get('request.refused.tooEarly'), 63)
})

test('who read the status before another request was decided comes too early, on any engine (T-23, D1)', async (t) => {
  const { server, phone } = await start(t)
  const { deps } = server
  const stale = await deps.store.transaction((tx) => tx.nearestUsers([phone.id]))
  const first = requestOf(server, phone, CODE.status)
  const second = requestOf(server, phone, CODE.status, { at: later(NOON, 1) })
  assert.equal((await ask(server, phone, first))?.atRisk, false)
  const store: Store = {
    ...deps.store,
    transaction: (run) => deps.store.transaction((tx) => run({ ...tx, nearestUsers: async () => stale })),
  }
  assert.equal(await ask({ ...server, deps: { ...deps, store } }, phone, second), undefined)
  assert.equal(deps.counts.get('request.refused.tooEarly'), 1)
})

test('of two requests of one phone in one batch one is answered as status; others are not concerned (T-23)', async (t) => {
  const { server, phone } = await start(t)
  const other = await registerPhone(server, 'other')
  await expose(server, other, nowOf(server) - 10)
  const at = [NOON, later(NOON, 1)] as const
  const replies = await authenticatedRequests(
    server.deps,
    [
      requestOf(server, phone, CODE.status, { at: at[0] }),
      requestOf(server, other, CODE.status),
      requestOf(server, phone, CODE.status, { at: at[1] }),
      new Uint8Array(5),
      requestOf(server, phone, CODE.renew),
    ],
    NOON,
  )
  const opened = [phone, other, phone, phone, phone].map(
    (who, n) => openReply(who.keys.encryptionKey, replies[n]!)?.kind,
  )
  assert.deepEqual(opened, [CODE.status, CODE.status, undefined, undefined, CODE.renew])
  assert.equal(openReply(other.keys.encryptionKey, replies[1]!)?.atRisk, true)
})

test('a MAC says what is asked for: under another code it is none (T-07)', async (t) => {
  const { server, phone } = await start(t)
  const before = dump(server.path)
  const codes = [CODE.status, CODE.renew, CODE.acknowledge]
  for (const made of codes) {
    for (const used of codes.filter((code) => code !== made)) {
      const request = requestOf(server, phone, made)
      request[0] = used
      assert.equal(await ask(server, phone, request), undefined, `${made} as ${used}`)
    }
  }
  const hello = buildHello(phone.keys.authenticationKey, pairAt(server, phone, NOON), ntpOf(NOON))
  const mac = concat(hello.subarray(11), new Uint8Array(27))
  const request = concat(requestOf(server, phone, CODE.status).subarray(0, 64), mac)
  assert.equal(await ask(server, phone, request), undefined)
  assert.equal(server.deps.counts.get('request.refused.macInvalid'), 7)
  assert.equal(dump(server.path), before)
})

test('near midnight a request is served under the server key of its epoch, on either side (T-47)', async (t) => {
  const midnight = later(NOON, DAY / 2)
  for (const offset of [-901, -900, -1, 0, 1, 899, 900]) {
    const { server, phone } = await start(t, { at: later(midnight, -3600) })
    const request = requestOf(server, phone, CODE.status, { at: later(midnight, offset) })
    server.clock.now = later(midnight, offset + 5)
    await keepServerKeys(server.deps, server.clock.now)
    assert.equal((await ask(server, phone, request))?.kind, CODE.status, `${offset} s from midnight`)
  }
})

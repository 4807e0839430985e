// ROBERT appendix C on the back-end: unregister, delete history, reset after a negative test; and what the risk is read from.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  DAY_SECONDS,
  dayOf,
  dayStart,
  type Epoch,
  epochAt,
  later,
  Malformed,
  type UnixSeconds,
} from '@vicinity/protocol'
import { CODE, makeResetToken, packExposure, RESET_TOKEN, type Reply, unpackExposures } from '@vicinity/protocol/robert'
import { makeDeps } from '../src/deps.ts'
import { processContacts } from '../src/flows/process-contacts.ts'
import { purge } from '../src/flows/purge.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import {
  acknowledge,
  ask,
  askStatus,
  type BackEnd,
  type BackEndOptions,
  backEnd,
  countRows,
  dump,
  expose,
  exposuresOf,
  itemOf,
  NOON,
  type Phone,
  pass,
  randomOf,
  registerPhone,
  requestOf,
  unix,
  withToken,
} from './fixture.ts'

const HOUR = 3600

async function start(t: TestContext, options: BackEndOptions = {}) {
  const server = await backEnd(t, { ...options, parameters: { poolWindow: 0, ...options.parameters } })
  return { server, phone: await registerPhone(server, 'phone'), other: await registerPhone(server, 'other') }
}

const send = (server: BackEnd, phone: Phone, code: number, payload?: Uint8Array) =>
  ask(server, phone, requestOf(server, phone, code, payload === undefined ? {} : { payload }))
const nowOf = (server: BackEnd): Epoch => epochAt(server.deps.calendar, server.clock.now)
const counted = ({ deps }: BackEnd, what: string) => deps.counts.get(what) ?? 0
const stored = async ({ deps }: BackEnd, { id }: Phone) =>
  (await deps.store.transaction((tx) => tx.usersOf([id]))).get(id)
const statusOf = async (server: BackEnd, phone: Phone) => (await stored(server, phone))!.status
const apply = (server: BackEnd) => processContacts(server.deps, server.clock.now)

async function wait(server: BackEnd, seconds: number): Promise<void> {
  pass(server, seconds)
  await keepServerKeys(server.deps, server.clock.now)
}

let uploads = 0
/** Somebody who stood beside this phone at a time uploads what was heard: three slots, enough to warn. */
async function uploadMeeting(server: BackEnd, phone: Phone, from: UnixSeconds): Promise<void> {
  for (const at of [from, later(from, 300), later(from, 600)]) {
    const random = randomOf(`upload ${uploads++}`)(32)
    await server.call('upload', withToken(server, itemOf(server, phone, at), dayOf(at), random))
  }
}

/** Told, and acknowledged. */
async function warn(server: BackEnd, phone: Phone): Promise<void> {
  const warned = await askStatus(server, phone)
  assert.equal(warned?.atRisk, true)
  await acknowledge(server, phone, warned!.replyId)
  assert.equal((await statusOf(server, phone)).notified, 'acknowledged')
}

const tokenFor = async (server: BackEnd, testedAt: UnixSeconds) =>
  (await server.asAuthority('issueReset', { testedAt })).token

test('unregister removes keys, status and exposures of this user and of nobody else (ROBERT appendix C, c = 3)', async (t) => {
  const { server, phone, other } = await start(t)
  for (const each of [phone, other]) await expose(server, each, nowOf(server) - 9)
  await warn(server, phone)
  const before = await stored(server, other)
  assert.equal((await send(server, phone, CODE.unregister))?.kind, CODE.unregister)
  assert.equal(await stored(server, phone), undefined)
  assert.deepEqual(await stored(server, other), before)
  for (const table of ['user_key', 'user_status', 'exposure']) assert.equal(countRows(server.path, table), 1, table)
  assert.ok(!dump(server.path).includes(`"id":${phone.id}`))
})

test('a removed user is unknown: a second unregister and every other request get the constant reply', async (t) => {
  const { server, phone } = await start(t)
  await send(server, phone, CODE.unregister)
  const before = dump(server.path)
  const codes = [CODE.unregister, CODE.status, CODE.deleteHistory, CODE.renew, CODE.acknowledge]
  for (const code of codes) assert.equal(await send(server, phone, code), undefined, `${code}`)
  const token = await tokenFor(server, NOON)
  assert.equal(await send(server, phone, CODE.reset, token), undefined)
  assert.equal(counted(server, 'request.refused.unknownId'), codes.length + 1)
  assert.equal(dump(server.path), before)
})

test('of 16 unregistrations at once one is answered, and nobody else is concerned', async (t) => {
  const { server, phone, other } = await start(t)
  const requests = Array.from({ length: 16 }, (_, n) =>
    requestOf(server, phone, CODE.unregister, { at: later(NOON, n) }),
  )
  const replies = await Promise.all(requests.map((request) => ask(server, phone, request)))
  assert.equal(replies.filter((reply) => reply !== undefined).length, 1)
  assert.equal((await askStatus(server, other))?.atRisk, false)
})

test('items of a removed user that were queued before and are applied after leave no row and revive nobody', async (t) => {
  const { server, phone, other } = await start(t)
  await wait(server, HOUR)
  for (const each of [phone, other]) await uploadMeeting(server, each, NOON)
  await send(server, phone, CODE.unregister)
  await apply(server)
  assert.equal(await stored(server, phone), undefined)
  for (const table of ['user_key', 'user_status', 'exposure']) assert.equal(countRows(server.path, table), 1, table)
  assert.equal(counted(server, 'item.refused.5.unknownId'), 3)
  assert.equal(counted(server, 'item.accepted'), 3)
  // Nor those that arrive later still.
  await uploadMeeting(server, phone, later(NOON, 900))
  await apply(server)
  assert.equal(countRows(server.path, 'exposure'), 1)
  assert.equal(await send(server, phone, CODE.status), undefined)
})

test('items applied at the very moment of the removal leave nothing either', async (t) => {
  const { server } = await start(t)
  await wait(server, HOUR)
  for (let round = 0; round < 8; round++) {
    const phone = await registerPhone(server, `round ${round}`)
    await uploadMeeting(server, phone, server.clock.now)
    const work = [apply(server), send(server, phone, CODE.unregister)]
    await Promise.all(round % 2 === 0 ? work : work.reverse())
    await apply(server)
    assert.equal(countRows(server.path, 'exposure'), 0, `round ${round}`)
    assert.equal(await stored(server, phone), undefined)
  }
})

test('delete history empties LEE; what arrives later counts again (ROBERT appendix C, c = 4)', async (t) => {
  const { server, phone, other } = await start(t)
  for (const each of [phone, other]) await expose(server, each, nowOf(server) - 9)
  assert.equal((await send(server, phone, CODE.deleteHistory))?.kind, CODE.deleteHistory)
  assert.equal(countRows(server.path, 'exposure'), 1)
  assert.equal((await askStatus(server, phone))?.atRisk, false)
  assert.equal((await askStatus(server, other))?.atRisk, true)
  // Again, with nothing to delete: the same answer.
  assert.equal((await send(server, phone, CODE.deleteHistory))?.kind, CODE.deleteHistory)
  await wait(server, 7 * HOUR)
  await uploadMeeting(server, phone, later(NOON, HOUR))
  await apply(server)
  assert.equal((await askStatus(server, phone))?.atRisk, true)
})

test('delete history does not take back a warning: a pending "1" is still told, with the same reply id', async (t) => {
  const { server, phone } = await start(t)
  await expose(server, phone, nowOf(server) - 9)
  const lost = await askStatus(server, phone)
  await send(server, phone, CODE.deleteHistory)
  assert.equal(countRows(server.path, 'exposure'), 0)
  pass(server, 5)
  const told = await askStatus(server, phone)
  assert.deepEqual([told?.atRisk, told?.exposureDay], [true, lost?.exposureDay])
  assert.deepEqual(told?.replyId, lost?.replyId)
  await acknowledge(server, phone, told!.replyId)
  assert.equal((await statusOf(server, phone)).notified, 'acknowledged')
})

test('a negative test ends the warning; exposures up to it never count again, also when they arrive later; newer ones do', async (t) => {
  const { server, phone } = await start(t)
  await wait(server, DAY_SECONDS)
  await uploadMeeting(server, phone, later(NOON, HOUR))
  await apply(server)
  await warn(server, phone)
  const testedAt = later(NOON, 12 * HOUR)
  assert.equal((await send(server, phone, CODE.reset, await tokenFor(server, testedAt)))?.kind, CODE.reset)
  const tested = epochAt(server.deps.calendar, testedAt)
  assert.deepEqual(
    [(await statusOf(server, phone)).notified, (await statusOf(server, phone)).warnedThrough],
    ['none', tested],
  )
  // Arrives after the test, happened before it; the last of it in the epoch of the test.
  await wait(server, 7 * HOUR)
  for (const hours of [2, 5, 12]) await uploadMeeting(server, phone, later(NOON, hours * HOUR))
  await apply(server)
  const epochs = unpackExposures(await exposuresOf(server, phone.id)).map(({ epoch }) => epoch)
  assert.equal(Math.max(...epochs), tested)
  assert.equal((await askStatus(server, phone))?.atRisk, false)
  await wait(server, 7 * HOUR)
  await uploadMeeting(server, phone, later(testedAt, 900))
  await apply(server)
  const told = await askStatus(server, phone)
  assert.deepEqual([told?.atRisk, told?.exposureDay], [true, dayOf(later(testedAt, 900))])
})

test('a negative test also ends a warning that was not told yet, and one that was never made', async (t) => {
  const { server, phone, other } = await start(t)
  await expose(server, phone, nowOf(server) - 9)
  assert.equal((await askStatus(server, phone))?.atRisk, true)
  for (const each of [phone, other]) {
    assert.equal((await send(server, each, CODE.reset, await tokenFor(server, NOON)))?.kind, CODE.reset)
    assert.equal((await statusOf(server, each)).notified, 'none')
  }
  await wait(server, 7 * HOUR)
  for (const each of [phone, other]) assert.equal((await askStatus(server, each))?.atRisk, false)
})

test('a token is good for one user: of 16 who use it at once one is reset', async (t) => {
  const { server } = await start(t)
  const phones: Phone[] = []
  for (let k = 0; k < 16; k++) phones.push(await registerPhone(server, `user ${k}`))
  for (const phone of phones) {
    await expose(server, phone, nowOf(server) - 9)
    await warn(server, phone)
  }
  const token = await tokenFor(server, NOON)
  const replies = await Promise.all(phones.map((phone) => send(server, phone, CODE.reset, token)))
  assert.equal(replies.filter((reply) => reply?.kind === CODE.reset).length, 1)
  assert.equal(counted(server, 'request.refused.resetInvalid'), 15)
  const states = await Promise.all(phones.map((phone) => statusOf(server, phone)))
  assert.equal(states.filter(({ notified }) => notified === 'none').length, 1)
  // And afterwards nobody.
  const late = phones.find((_, k) => states[k]!.notified !== 'none')!
  assert.equal(await send(server, late, CODE.reset, token), undefined)
})

test('a spent token stays spent as long as it would be good', async (t) => {
  const { server, phone } = await start(t)
  const testedAt = dayStart(dayOf(NOON))
  const token = await tokenFor(server, testedAt)
  assert.equal((await send(server, phone, CODE.reset, token))?.kind, CODE.reset)
  for (const days of [1, 5, 9, 13]) {
    server.clock.now = later(testedAt, days * DAY_SECONDS)
    await keepServerKeys(server.deps, server.clock.now)
    await purge(server.deps, server.clock.now)
    assert.equal(countRows(server.path, 'spent_token'), 1, `${days} days`)
  }
  const late = await registerPhone(server, 'late')
  assert.equal(await send(server, late, CODE.reset, token), undefined)
  assert.equal(counted(server, 'request.refused.resetInvalid'), 1)
})

test('the same reset again, because its reply was lost, is answered again: the same bytes, and another request with it', async (t) => {
  const { server, phone } = await start(t)
  await expose(server, phone, nowOf(server) - 9)
  await warn(server, phone)
  const token = await tokenFor(server, NOON)
  const request = requestOf(server, phone, CODE.reset, { payload: token })
  for (let n = 0; n < 3; n++) assert.equal((await ask(server, phone, request))?.kind, CODE.reset)
  pass(server, 120)
  const later16 = await Promise.all(Array.from({ length: 16 }, () => send(server, phone, CODE.reset, token)))
  assert.ok(later16.every((reply) => reply?.kind === CODE.reset))
  assert.equal(countRows(server.path, 'spent_token'), 1)
  assert.equal((await statusOf(server, phone)).notified, 'none')
})

test('a forged token resets nothing: each of its bits matters, and so do the key and the age of the test', async (t) => {
  const { server, phone } = await start(t)
  await expose(server, phone, nowOf(server) - 9)
  await warn(server, phone)
  const before = dump(server.path)
  const good = await tokenFor(server, NOON)
  const flipped = Array.from({ length: 8 * RESET_TOKEN }, (_, bit) =>
    good.map((byte, i) => (i === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte)),
  )
  const signed = (testedAt: UnixSeconds, key = server.deps.keys.resetKey) =>
    makeResetToken(key, testedAt, randomOf('t'))
  const others = [
    new Uint8Array(RESET_TOKEN),
    signed(NOON, randomOf('another authority')(32)),
    signed(later(NOON, 1)),
    signed(later(NOON, -14 * DAY_SECONDS)),
  ]
  for (const [n, token] of [...flipped, ...others].entries()) {
    assert.equal(await send(server, phone, CODE.reset, token), undefined, `token ${n}`)
  }
  assert.equal(counted(server, 'request.refused.resetInvalid'), flipped.length + others.length)
  assert.equal(dump(server.path), before)
  assert.equal((await send(server, phone, CODE.reset, good))?.kind, CODE.reset)
})

test('a test before the service began resets nothing', async (t) => {
  const { server, phone } = await start(t, { settings: { serviceStart: later(NOON, -HOUR) } })
  assert.equal(await send(server, phone, CODE.reset, await tokenFor(server, later(NOON, -HOUR - 1))), undefined)
  const first = await tokenFor(server, later(NOON, -HOUR))
  assert.equal((await send(server, phone, CODE.reset, first))?.kind, CODE.reset)
})

test('only the health authority issues tokens, for tests of the last 14 days and not of the future', async (t) => {
  const { server } = await start(t)
  const before = dump(server.path)
  await assert.rejects(server.call('issueReset', { testedAt: NOON }), { name: 'Refused', message: 'authorization' })
  for (const seconds of [1, DAY_SECONDS, -14 * DAY_SECONDS, -400 * DAY_SECONDS]) {
    const asked = server.asAuthority('issueReset', { testedAt: later(NOON, seconds) })
    await assert.rejects(asked, (error) => error instanceof Malformed && error.field === 'testedAt', `${seconds}`)
  }
  for (const seconds of [0, -1, 1 - 14 * DAY_SECONDS]) {
    assert.equal((await tokenFor(server, later(NOON, seconds))).length, RESET_TOKEN)
  }
  const tokens = await Promise.all(Array.from({ length: 16 }, () => tokenFor(server, NOON)))
  assert.equal(new Set(tokens.map(String)).size, 16, 'no two are the same')
  assert.equal(dump(server.path), before, 'nothing is stored of whom it was given to')
})

test('another risk function in the settings scores anew what is stored already', async (t) => {
  const keyFiles = memoryKeys()
  const { server, phone, other } = await start(t, { keyFiles })
  const brief = packExposure({ epoch: (nowOf(server) - 9) as Epoch, slot: 0, weight: 10 })
  await server.deps.store.transaction((tx) => tx.appendExposures([{ id: phone.id, exposures: brief }]))
  assert.equal((await askStatus(server, phone))?.atRisk, false)
  const { store, random, settings } = server.deps
  const deps = makeDeps({ store, random, keyFiles, settings: { ...settings, riskFunction: 'any-1' } })
  const changed: BackEnd = { ...server, deps }
  await wait(changed, 7 * HOUR)
  const told = await askStatus(changed, phone)
  assert.deepEqual([told?.atRisk, told?.exposureDay], [true, dayOf(NOON)])
  assert.equal((await askStatus(changed, other))?.atRisk, false)
})

/** What a phone that opens its reply can see of it; identifiers by their number, random values by their length. */
const formOf = (reply: Reply | undefined) =>
  reply && {
    kind: reply.kind,
    atRisk: reply.atRisk,
    replyId: reply.replyId.length,
    hasDay: reply.exposureDay > 0,
    serverTime: reply.serverTime,
    list: [reply.list.first, reply.list.pairs.length],
  }

test('appendix A with p = 50 %: so many are told "1"; reply, statements and state are those of the exposed, to the acknowledgement and after', async (t) => {
  // In the middle of a window of ten days: half of the moments have come.
  const { server } = await start(t, { at: unix('2026-03-16T00:00:00Z'), parameters: { falseAlarms: 5000 } })
  const phones: Phone[] = []
  for (let k = 0; k < 96; k++) phones.push(await registerPhone(server, `account ${k}`))
  for (const phone of phones.slice(0, 8)) await expose(server, phone, nowOf(server) - 9)
  const alone = async (work: Promise<Reply | undefined>) => {
    const from = server.statements.length
    const reply = await work
    return { reply, seen: { form: formOf(reply), statements: server.statements.slice(from) } }
  }
  const classes = { exposed: new Set<string>(), drawn: new Set<string>(), neither: new Set<string>() }
  let drawn = 0
  for (const [k, phone] of phones.entries()) {
    const asked = await alone(askStatus(server, phone))
    const atRisk = asked.reply?.atRisk === true
    assert.ok(atRisk || k >= 8, 'a real "1" is never lowered')
    if (atRisk && k >= 8) drawn++
    const told = (await statusOf(server, phone)).notified
    const settled = await alone(acknowledge(server, phone, asked.reply!.replyId))
    const { notified, warnedThrough, lastStatusRequestEpoch } = await statusOf(server, phone)
    const state = [told, notified, warnedThrough !== undefined, lastStatusRequestEpoch]
    const again = await alone(askStatus(server, phone))
    const life = JSON.stringify([asked.seen, settled.seen, state, again.seen.statements, again.reply?.atRisk])
    classes[k < 8 ? 'exposed' : atRisk ? 'drawn' : 'neither'].add(life)
  }
  assert.equal(classes.exposed.size, 1)
  assert.deepEqual(classes.drawn, classes.exposed)
  assert.notDeepEqual(classes.neither, classes.exposed)
  assert.ok(Math.abs(drawn - 88 / 4) < 3 * Math.sqrt(88 * 0.25 * 0.75), `${drawn} of 88`)
})

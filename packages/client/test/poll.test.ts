// When a phone asks the back-end, what it asks, and what it makes of the answer (ROBERT §7).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Epoch, epochAt, later, ntpOf, readUint, type UnixSeconds } from '@vicinity/protocol'
import { CODE, SIZE, sealReply } from '@vicinity/protocol/robert'
import { helloAt } from '../src/index.ts'
import { randomOf } from './random.ts'
import { DAY, EPOCH, garble, HOUR, MINUTE, NOON, unix, World, type WorldOptions } from './world.ts'

const { status, renew, acknowledge } = CODE
const POLL = 8 * HOUR

const installed = (options: WorldOptions = {}) => new World(options).install()
const requestTimes = (world: World) => world.calls('request').map(({ stepAt }) => stepAt - NOON)

test('ROBERT §7: a phone asks when it was told to, and acknowledges every reply at once', () => {
  const world = installed()
  world.backEnd.nextPoll = 7 * HOUR
  world.pass(DAY)
  assert.deepEqual(world.codes(), [status, acknowledge, status, acknowledge, status, acknowledge])
  assert.deepEqual(requestTimes(world), [POLL, POLL, 15 * HOUR, 15 * HOUR, 22 * HOUR, 22 * HOUR])
  assert.equal(world.state.unopened, 0)
})

test('ROBERT §7: a request names the epoch with its identifier, and carries the time by the corrected clock', () => {
  const skew = 20
  const world = installed({ skew })
  world.pass(DAY)
  assert.ok(world.backEnd.asked.length > 0)
  for (const asked of world.backEnd.asked) {
    const { epoch, time } = world.backEnd.parsed(asked)
    assert.equal(epoch, epochAt(world.backEnd.calendar, asked.at))
    assert.equal(time, ntpOf(asked.at))
  }
  assert.equal(world.state.clockOffset, -skew)
})

test('the acknowledgement repeats the id of the reply, and eight random bytes when the reply could not be opened', () => {
  const world = installed()
  garble(world, (code) => code === status)
  world.pass(POLL)
  const random = world.backEnd.parsed(world.backEnd.asked.at(-1)!).payload
  assert.notEqual(readUint(random, 0, 6), 0)
  assert.ok(random.subarray(8).every((byte) => byte === 0))
})

test('nothing else than its time makes a phone ask', () => {
  const world = installed()
  for (let k = 0; k < POLL / MINUTE - 1; k++) {
    world.pass(MINUTE)
    world.hears(2)
    world.happens({ type: 'wake' })
  }
  assert.deepEqual(world.codes(), [])
  world.pass(MINUTE)
  assert.deepEqual(world.codes(), [status, acknowledge])
})

test('ROBERT §7: "1" is told once, with its day; the phone goes on broadcasting and sends renewals where others ask', () => {
  const world = installed()
  world.pass(HOUR)
  world.backEnd.expose(world.now)
  world.pass(2 * DAY)
  const day = Math.floor(NOON / DAY)
  assert.deepEqual(world.notices(), [{ what: 'broadcasting' }, { what: 'atRisk', exposureDay: day }])
  assert.ok(world.state.notified)
  assert.equal(world.state.exposureDay, day)
  const rest = Array.from({ length: 10 }, (_, k) => (k % 2 === 0 ? renew : acknowledge))
  assert.deepEqual(world.codes(), [status, acknowledge, ...rest])
  assert.equal(world.backEnd.user.notified, 'acknowledged')
  assert.ok(helloAt(world.state, world.now))
})

test('a notified phone never runs out of identifiers', () => {
  const world = installed()
  world.backEnd.expose(world.now)
  // The first list lasts for five days, the warning for ten.
  for (let day = 0; day < 10; day++) {
    world.pass(DAY)
    assert.ok(helloAt(world.state, world.now), `day ${day}`)
  }
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk'])
})

test('ROBERT §7 step 8: no status request within T epochs of the last one sent, whatever became of it', () => {
  const world = installed({ parameters: { statusGap: 24 } })
  world.backEnd.nextPoll = HOUR
  world.pass(DAY)
  const epochs = world.backEnd.asked.filter(({ code }) => code === status).map(({ at }) => at / EPOCH)
  for (const [k, epoch] of epochs.slice(1).entries()) assert.ok(epoch - epochs[k]! >= 24)
  assert.ok(epochs.length >= 3)
  assert.ok(world.codes().filter((code) => code === renew).length > 10)
  assert.equal(world.state.unopened, 0)
})

test('a phone whose newest identifier is older than CT registers anew instead of asking', () => {
  const world = installed()
  world.now = unix('2026-03-28T00:00:00Z')
  world.happens({ type: 'wake' })
  assert.deepEqual(world.codes(), [])
  assert.ok(world.told().includes('registeredAnew'))
  assert.equal(world.backEnd.users.size, 2)
})

test('with its latest identifier a phone that was away for twelve days still asks', () => {
  const world = installed()
  world.now = unix('2026-03-26T00:00:00Z')
  world.happens({ type: 'wake' })
  assert.deepEqual(world.codes(), [status, acknowledge])
  const { epoch } = world.backEnd.parsed(world.backEnd.asked[0]!)
  assert.equal(epoch, epochAt(world.backEnd.calendar, unix('2026-03-13T23:45:00Z')))
  assert.equal(world.state.unopened, 0)
})

test('a gap in the identifiers: status requests and renewals take turns until it is filled', () => {
  const world = installed()
  world.now = unix('2026-03-16T08:00:00Z')
  world.happens({ type: 'wake' })
  assert.deepEqual(world.told(), ['broadcasting', 'identifiersExhausted'])
  world.pass(6 * DAY)
  const kinds = world.codes().filter((code) => code !== acknowledge)
  assert.deepEqual(kinds.slice(0, 4), [status, renew, status, renew])
  assert.deepEqual(kinds.slice(-4), [status, status, status, status])
  assert.deepEqual(world.told(), ['broadcasting', 'identifiersExhausted', 'broadcasting'])
  const renewals = world.backEnd.asked.filter(({ code }) => code === renew)
  const wanted = renewals.map((asked) => readUint(world.backEnd.parsed(asked).payload, 0, 4))
  assert.equal(wanted[0], epochAt(world.backEnd.calendar, renewals[0]!.at))
  assert.ok(wanted.every((first, k) => k === 0 || first > wanted[k - 1]!))
})

test('an identifier that is held is never replaced', () => {
  const world = installed()
  const held = helloAt(world.state, later(NOON, 4 * DAY))
  const { context } = world.backEnd
  Object.defineProperty(world.backEnd, 'context', { value: { ...context, countryCode: 99 } })
  world.pass(POLL)
  assert.deepEqual(helloAt(world.state, later(NOON, 4 * DAY)), held)
})

test('an identifier is held once, however often the back-end gives it', () => {
  const world = installed()
  world.pass(3 * DAY)
  const [segment] = world.state.identifiers
  const held = world.state.identifiers.reduce((sum, { pairs }) => sum + pairs.length / SIZE.pair, 0)
  assert.equal(held, world.state.newest!.epoch - segment!.first + 1)
})

test('identifiers of epochs that do not exist are not taken', () => {
  const world = installed()
  const before = JSON.stringify(world.state.newest)
  const answer = world.backEnd.answer.bind(world.backEnd)
  world.backEnd.answer = (endpoint, request, at) => {
    const response = answer(endpoint, request, at)
    const kind = world.backEnd.asked.at(-1)?.code
    if (kind !== status) return response
    const list = { first: 0xffffff0 as Epoch, pairs: new Uint8Array(SIZE.pair * 96) }
    const replyId = new Uint8Array(8)
    const reply = { kind, atRisk: false, serverTime: ntpOf(at), replyId, nextPoll: 60, exposureDay: 0 as const, list }
    return { ...response, reply: sealReply(world.backEnd.user.encryptionKey, reply, randomOf('iv')) }
  }
  world.pass(POLL)
  assert.equal(world.state.unopened, 0)
  assert.equal(JSON.stringify(world.state.newest), before)
})

test('a clock that was set back far does not silence the phone', () => {
  const world = installed()
  world.skew = -30 * DAY
  world.happens({ type: 'wake' })
  assert.equal(world.calls('request').length, 2)
})

test('the same traffic, notified or not: sizes, order and times', () => {
  const traffic = (exposed: boolean) => {
    const world = installed()
    if (exposed) world.backEnd.expose(world.now)
    world.pass(5 * DAY)
    assert.equal(world.state.notified, exposed)
    return world
      .calls('request')
      .map(({ stepAt, request }) => [stepAt, (request as { request: Uint8Array }).request.length])
  }
  assert.deepEqual(traffic(true), traffic(false))
})

test('the phone is corrected by every reply that opens, even that of an acknowledgement', () => {
  const world = installed()
  const drifts: number[] = []
  world.fate = () => {
    world.skew += 2
    return 'answered'
  }
  world.pass(POLL)
  drifts.push(world.state.clockOffset)
  assert.deepEqual(drifts, [-world.skew])
})

test('times far outside of every service do not stop the phone', () => {
  const world = installed()
  world.fate = () => 'requestLost'
  for (const at of [0, 1, 2 ** 40]) {
    world.now = at as UnixSeconds
    world.happens({ type: 'wake' })
    assert.equal(helloAt(world.state, world.now), undefined)
  }
})

// One exchange with the back-end when the network or the back-end fails: what is sent again, dropped, counted.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { epochAt, later } from '@vicinity/protocol'
import { CODE, openReply, SEALED_REPLY, SIZE, sealFor, sealReply } from '@vicinity/protocol/robert'
import { helloAt } from '../src/index.ts'
import { randomOf } from './random.ts'
import { DAY, EPOCH, fates, garble, HOUR, MINUTE, NOON, World, type WorldOptions } from './world.ts'

const { status, renew, acknowledge } = CODE
const POLL = 8 * HOUR

const installed = (options: WorldOptions = {}) => new World(options).install()
const requestTimes = (world: World) => world.calls('request').map(({ stepAt }) => stepAt - NOON)
const sentBytes = (world: World) =>
  world.calls('request').map(({ request }) => (request as { request: Uint8Array }).request)

test('a lost "1" is asked for again by the next status request and acknowledged then', () => {
  const world = installed()
  world.backEnd.expose(world.now)
  // The reply is lost, and so is what is sent again; the request of the back-off is a renewal.
  fates(world, 'request', ['replyLost', 'requestLost', 'requestLost', 'requestLost', 'requestLost', 'requestLost'])
  world.pass(POLL + 2 * HOUR)
  assert.deepEqual(world.told(), ['broadcasting'])
  assert.equal(world.backEnd.user.notified, 'pending')
  world.fate = () => 'answered'
  world.pass(DAY)
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk'])
  assert.equal(world.backEnd.user.notified, 'acknowledged')
})

test('an acknowledgement of a warning that was lost is made up for by the next one; the warning is told once', () => {
  const world = installed()
  world.backEnd.expose(world.now)
  fates(world, 'request', ['answered', 'requestLost', 'requestLost', 'requestLost'])
  world.pass(POLL + HOUR)
  assert.equal(world.backEnd.user.notified, 'pending')
  world.pass(POLL)
  assert.deepEqual(world.codes(), [status, renew, acknowledge])
  assert.equal(world.backEnd.user.notified, 'acknowledged')
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk'])
})

test('a request that is not answered is sent again with the same bytes after 5 to 20 s, while it is younger than 40 s', () => {
  const world = installed()
  world.fate = ({ endpoint }) => (endpoint === 'request' ? 'requestLost' : 'answered')
  world.pass(POLL + 70)
  const times = requestTimes(world)
  const bytes = sentBytes(world)
  const same = bytes.filter((each) => Buffer.compare(each, bytes[0]!) === 0).length
  assert.ok(same >= 3 && same <= 9)
  for (let k = 1; k < same; k++) {
    const gap = times[k]! - times[k - 1]!
    assert.ok(gap >= 5 && gap <= 20)
    assert.ok(times[k - 1]! - times[0]! < 40)
  }
})

test('then it backs off with full jitter up to 3 h, and asks no status while the lost one may have been counted', () => {
  const world = installed({ parameters: { statusGap: 24 } })
  world.fate = ({ endpoint }) => (endpoint === 'request' ? 'requestLost' : 'answered')
  world.pass(DAY)
  const sent = world
    .calls('request')
    .map(({ stepAt, request }) => ({ stepAt, code: (request as { request: Uint8Array }).request[0] }))
  const first = sent[0]!.stepAt
  for (const { stepAt, code } of sent) {
    if (stepAt - first > 60 && stepAt - first < 24 * EPOCH - EPOCH) assert.equal(code, renew)
  }
  const gaps = sent.slice(1).map(({ stepAt }, k) => stepAt - sent[k]!.stepAt)
  assert.ok(Math.max(...gaps) <= 3 * HOUR && Math.max(...gaps) > HOUR / 2)
  world.fate = () => 'answered'
  world.pass(3 * HOUR)
  assert.equal(world.state.poll?.failures, 0)
})

test('the same status request again gets the same answer: a lost "0" costs nothing', () => {
  const world = installed()
  fates(world, 'request', ['replyLost'])
  world.pass(POLL + MINUTE)
  assert.deepEqual(world.codes(), [status, status, acknowledge])
  assert.equal(world.state.unopened, 0)
})

test('a request that is refused outright is not sent again with the same bytes', () => {
  const world = installed()
  fates(world, 'request', ['refused'])
  world.pass(POLL + 2 * MINUTE)
  const [first, second] = sentBytes(world)
  assert.notDeepEqual(first, second)
  assert.deepEqual(world.codes(), [renew, acknowledge])
})

test('a phone that slept over the time of sending again builds a new request', () => {
  const world = installed()
  fates(world, 'request', ['requestLost'])
  world.runUntil(later(NOON, POLL))
  world.now = later(world.now, HOUR)
  world.happens({ type: 'wake' })
  assert.deepEqual(world.codes(), [renew, acknowledge])
})

test('an acknowledgement that fails is sent again twice at most, then dropped; the next poll is not moved', () => {
  const world = installed()
  let acknowledgements = 0
  world.fate = ({ request }) => {
    if ('request' in request && request.request[0] === acknowledge) {
      acknowledgements++
      return 'requestLost'
    }
    return 'answered'
  }
  world.pass(POLL + HOUR)
  assert.equal(acknowledgements, 3)
  assert.equal(world.state.poll?.next, NOON + 2 * POLL)
  assert.equal(world.state.poll?.due, NOON + 2 * POLL)
})

test('an acknowledgement that is due after a long sleep is dropped', () => {
  const world = installed()
  fates(world, 'request', ['answered', 'requestLost'])
  world.runUntil(later(NOON, POLL))
  world.now = later(world.now, HOUR)
  world.happens({ type: 'wake' })
  assert.deepEqual(world.codes(), [status])
  assert.equal(world.state.poll?.due, NOON + 2 * POLL)
})

test('a call without an answer counts as lost after a minute: so a restarted phone goes on', () => {
  const world = installed()
  world.fate = ({ endpoint }) => (endpoint === 'request' ? 'silence' : 'answered')
  world.pass(POLL)
  world.crash()
  world.fate = () => 'answered'
  world.pass(3 * MINUTE)
  assert.deepEqual(world.codes(), [renew, acknowledge])
})

test('replies that cannot be opened are counted; one that opens begins anew', () => {
  const world = installed({ parameters: { unopenedReplies: 3 } })
  garble(world, (code) => code === status)
  world.pass(3 * DAY)
  assert.equal(world.state.unopened, 0)
  assert.deepEqual(world.told(), ['broadcasting'])
  assert.ok(world.codes().length > 12)
})

test('after an unopened reply the phone draws the time of its next poll itself', () => {
  const gaps = ['a', 'b', 'c', 'd', 'e', 'f'].map((seed) => {
    const world = installed({ seed })
    garble(world)
    world.pass(POLL)
    return world.state.poll!.next - world.now
  })
  for (const gap of gaps) assert.ok(gap >= 6.5 * HOUR && gap <= 9.5 * HOUR, `${gap}`)
  assert.equal(new Set(gaps).size, gaps.length)
})

test('three replies in a row that cannot be opened: the phone registers anew, after its acknowledgement', () => {
  const world = installed({ parameters: { unopenedReplies: 3 } })
  world.backEnd.expose(world.now)
  world.pass(POLL)
  assert.ok(world.state.notified)
  const before = world.state.keys!.authenticationKey
  const { user } = world.backEnd
  world.backEnd.users.delete(user.id)
  world.pass(2 * POLL + HOUR)
  assert.deepEqual(world.codes(), [status, acknowledge, renew, acknowledge, renew, acknowledge])
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk', 'identifiersExhausted', 'registeredAnew', 'broadcasting'])
  assert.notDeepEqual(world.state.keys!.authenticationKey, before)
  assert.equal(world.state.notified, false)
  assert.equal(world.state.unopened, 0)
  assert.ok(helloAt(world.state, world.now))
  world.pass(DAY)
  assert.deepEqual(world.codes().slice(6, 8), [status, acknowledge])
  assert.equal(world.state.unopened, 0)
})

test('a reply of another kind than asked is not believed', () => {
  const world = installed({ parameters: { unopenedReplies: 10 } })
  const answer = world.backEnd.answer.bind(world.backEnd)
  const replies: unknown[] = []
  world.backEnd.answer = (endpoint, request, at) => {
    const response = answer(endpoint, request, at)
    if (endpoint !== 'request') return response
    replies.push(response)
    // The reply to the first request, again and again.
    return replies[0] as typeof response
  }
  world.backEnd.nextPoll = HOUR
  world.pass(POLL)
  assert.equal(world.state.unopened, 1)
})

test('ROBERT §7: only the reply to a status request warns, whatever others say', () => {
  const world = installed()
  const answer = world.backEnd.answer.bind(world.backEnd)
  world.backEnd.answer = (endpoint, request, at) => {
    const response = answer(endpoint, request, at)
    const { code } = world.backEnd.asked.at(-1) ?? { code: 0 }
    if (endpoint !== 'request' || code !== renew) return response
    const { encryptionKey } = world.backEnd.user
    const reply = openReply(encryptionKey, (response as { readonly reply: Uint8Array }).reply)!
    return { ...response, reply: sealReply(encryptionKey, { ...reply, atRisk: true }, randomOf('iv')) }
  }
  // Within T of the last status request a phone sends a renewal.
  world.state.lastStatusEpoch = epochAt(world.backEnd.calendar, later(NOON, POLL))
  world.pass(POLL)
  assert.deepEqual(world.codes(), [renew, acknowledge])
  assert.deepEqual([world.state.unopened, world.told()], [0, ['broadcasting']])
})

test('a sealed reply whose list is broken counts as unopened', () => {
  const world = installed()
  const answer = world.backEnd.answer.bind(world.backEnd)
  const plaintext = new Uint8Array(SIZE.reply)
  plaintext[0] = status
  plaintext[29] = 97
  world.backEnd.answer = (endpoint, request, at) => {
    const response = answer(endpoint, request, at)
    if (world.backEnd.asked.at(-1)?.code !== status) return response
    return { ...response, reply: sealFor(world.backEnd.user.encryptionKey, plaintext, randomOf('iv')) }
  }
  world.fate = ({ request }) => ('request' in request && request.request[0] === status ? 'answered' : 'requestLost')
  world.pass(POLL)
  assert.equal(world.state.unopened, 1)
  assert.equal(world.state.clockOffset, 0)
})

test('an answer to a call that nobody waits for is ignored', () => {
  const world = installed()
  world.pass(POLL)
  const before = JSON.stringify(world.state)
  const old = world.calls('request')[0]!.call
  const reply = new Uint8Array(SEALED_REPLY)
  for (const call of [old, 0, 999]) {
    world.happens({ type: 'answered', call, endpoint: 'request', response: { reply } })
    world.happens({ type: 'failed', call, refused: false })
  }
  assert.equal(JSON.stringify(world.state), before)
})

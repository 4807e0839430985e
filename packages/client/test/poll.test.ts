import assert from 'node:assert/strict'
import { test } from 'node:test'
import { epochAt, later, readUint, type UnixSeconds } from '@vicinity/protocol'
import { CODE, SEALED_REPLY } from '@vicinity/protocol/robert'
import { helloAt } from '../src/index.ts'
import { DAY, EPOCH, type Fate, HOUR, MINUTE, NOON, unix, World, type WorldOptions } from './world.ts'

const { status, renew, acknowledge } = CODE
const POLL = 8 * HOUR

/** Replies that are random bytes, as every refused request gets. */
function garble(world: World, when: (code: number) => boolean = () => true): void {
  const answer = world.backEnd.answer.bind(world.backEnd)
  world.backEnd.answer = (endpoint, request, at) => {
    const response = answer(endpoint, request, at)
    const { code } = world.backEnd.asked.at(-1) ?? { code: 0 }
    return endpoint === 'request' && when(code) ? { ...response, reply: new Uint8Array(SEALED_REPLY) } : response
  }
}

/** Each call of a kind meets its own fate; when the list is over, all are answered. */
function fates(world: World, endpoint: string, list: readonly Fate[]): void {
  let next = 0
  world.fate = (call) => (call.endpoint === endpoint ? (list[next++] ?? 'answered') : 'answered')
}

const installed = (options: WorldOptions = {}) => new World(options).install()
const requestTimes = (world: World) => world.calls('request').map(({ stepAt }) => stepAt - NOON)
const sentBytes = (world: World) =>
  world.calls('request').map(({ request }) => (request as { request: Uint8Array }).request)

test('ROBERT §7: a phone asks when it was told to, and acknowledges every reply at once', () => {
  const world = installed()
  world.backEnd.nextPoll = 7 * HOUR
  world.pass(DAY)
  assert.deepEqual(world.codes(), [status, acknowledge, status, acknowledge, status, acknowledge])
  assert.deepEqual(requestTimes(world), [POLL, POLL, 15 * HOUR, 15 * HOUR, 22 * HOUR, 22 * HOUR])
  assert.equal(world.state.unopened, 0)
})

test('ROBERT §7: a request names the epoch with its identifier, and carries the time by the corrected clock', () => {
  const world = installed({ skew: 3 })
  world.pass(DAY)
  for (const asked of world.backEnd.asked) {
    const { epoch, time } = world.backEnd.parsed(asked)
    assert.equal(epoch, epochAt(world.backEnd.calendar, asked.at))
    assert.ok(Math.abs(time - 2_208_988_800 - asked.at) <= 3)
  }
  assert.equal(world.state.clockOffset, -3)
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
  assert.equal(world.backEnd.user.status.notified, 'acknowledged')
  assert.ok(helloAt(world.state, world.now))
})

test('a notified phone never runs out of identifiers', () => {
  const world = installed()
  world.backEnd.expose(world.now)
  for (let day = 0; day < 12; day++) {
    world.pass(DAY)
    assert.ok(helloAt(world.state, world.now), `day ${day}`)
  }
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk'])
})

test('a lost "1" is asked for again by the next status request and acknowledged then', () => {
  const world = installed()
  world.backEnd.expose(world.now)
  // The reply is lost, and so is what is sent again; the request of the back-off is a renewal.
  fates(world, 'request', ['replyLost', 'requestLost', 'requestLost', 'requestLost', 'requestLost', 'requestLost'])
  world.pass(POLL + 2 * HOUR)
  assert.deepEqual(world.told(), ['broadcasting'])
  assert.equal(world.backEnd.user.status.notified, 'pending')
  world.fate = () => 'answered'
  world.pass(DAY)
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk'])
  assert.equal(world.backEnd.user.status.notified, 'acknowledged')
})

test('an acknowledgement of a warning that was lost is made up for by the next one; the warning is told once', () => {
  const world = installed()
  world.backEnd.expose(world.now)
  fates(world, 'request', ['answered', 'requestLost', 'requestLost', 'requestLost'])
  world.pass(POLL + HOUR)
  assert.equal(world.backEnd.user.status.notified, 'pending')
  world.pass(POLL)
  assert.deepEqual(world.codes(), [status, renew, acknowledge])
  assert.equal(world.backEnd.user.status.notified, 'acknowledged')
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

test('times far outside of every service do not stop the phone', () => {
  const world = installed()
  world.fate = () => 'requestLost'
  for (const at of [0, 1, 2 ** 40]) {
    world.now = at as UnixSeconds
    world.happens({ type: 'wake' })
    assert.equal(helloAt(world.state, world.now), undefined)
  }
})

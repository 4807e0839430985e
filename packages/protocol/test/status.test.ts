// ROBERT §7 steps 7 and 8, the server's processing and the acknowledgement, in the three states of UN.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../src/bytes.ts'
import { CODE, SIZE } from '../src/robert/constants.ts'
import { NEW_STATUS, replyIdOf, type UserRecord, type UserStatus } from '../src/robert/id-table.ts'
import { withParameters } from '../src/robert/parameters.ts'
import type { RequestDecision } from '../src/robert/request-decision.ts'
import { type Epoch, later, ntpOf, type UnixSeconds } from '../src/time.ts'
import { ALICE, askedBy, backEnd, decided, leeOf, unix, withBitFlipped } from './fixture.ts'

const NOW = unix('2026-03-05T12:00:00Z')
const EPOCH = 432 as Epoch
const T = 24
const EXPOSED = leeOf([400, 0, 50], [400, 1, 50], [401, 0, 50])

const withStatus = (status: Partial<UserStatus>, exposedEpochs: Uint8Array = new Uint8Array(0)): UserRecord => ({
  ...ALICE,
  exposedEpochs,
  status: { ...NEW_STATUS, ...status },
})
const replyId = (episode?: number) => replyIdOf(backEnd.replyKey, ALICE.id, episode as Epoch | undefined)
const ask = (user: UserRecord, at: UnixSeconds = NOW, time: UnixSeconds = at) =>
  decided(askedBy(at, { time: ntpOf(time) }), user, backEnd, at)
const acknowledge = (user: UserRecord, id: Uint8Array, at: UnixSeconds = NOW) =>
  decided(askedBy(at, { code: CODE.acknowledge, payload: id }), user, backEnd, at)

/** The user as IDTable holds it after a decision. */
function after(user: UserRecord, decision: RequestDecision): UserRecord {
  assert.ok(decision.served)
  return { ...user, status: decision.status ?? user.status }
}
const answer = (newest?: number) => ({
  kind: 'status',
  atRisk: newest !== undefined,
  newest,
  replyId: toHex(replyId(newest)),
})
function assertAnswer(decision: RequestDecision, newest?: number): void {
  assert.ok(decision.served && decision.answer.kind === 'status')
  assert.deepEqual({ ...decision.answer, replyId: toHex(decision.answer.replyId) }, answer(newest))
}

test('ROBERT §7: the first status request is answered "0" and sets SRE to the current epoch', () => {
  const decision = ask(ALICE)
  assertAnswer(decision)
  const { status } = after(ALICE, decision)
  assert.equal(status.lastStatusRequestEpoch, EPOCH)
  assert.equal(status.notified, 'none')
  assert.equal(status.warnedThrough, undefined)
  assert.equal(toHex(status.lastRequestTag), toHex(askedBy(NOW).subarray(64, 72)))
})

test('ROBERT §7 step 8: SRE is the epoch of the newest request that was answered, not of the first', () => {
  const user = withStatus({ lastStatusRequestEpoch: (EPOCH - T) as Epoch })
  assert.equal(after(user, ask(user)).status.lastStatusRequestEpoch, EPOCH)
})

test('ROBERT §7: a user at risk is answered "1" and UN becomes pending, named by the newest exposure', () => {
  const user = withStatus({}, EXPOSED)
  const decision = ask(user)
  assertAnswer(decision, 401)
  const { status } = after(user, decision)
  assert.deepEqual([status.notified, status.warnedThrough, status.lastStatusRequestEpoch], ['pending', 401, EPOCH])
})

test('ROBERT §7 step 7: a user whose warning was acknowledged is refused as alreadyNotified', () => {
  const user = withStatus({ notified: 'acknowledged', warnedThrough: 401 as Epoch, lastStatusRequestEpoch: 0 as Epoch })
  assert.deepEqual(ask(user), { served: false, reason: 'alreadyNotified' })
  assert.deepEqual(ask({ ...user, exposedEpochs: EXPOSED }), { served: false, reason: 'alreadyNotified' })
})

test('ROBERT §7 step 7: an acknowledged state that names no exposure ends too', () => {
  const user = withStatus({ notified: 'acknowledged' })
  assert.deepEqual(ask(user), { served: false, reason: 'alreadyNotified' })
  assertAnswer(ask(user, later(backEnd.calendar.serviceStart, 10 * 86_400)))
})

test('ROBERT §7 step 7: until it is acknowledged "1" is answered again, whatever became of LEE or the gap', () => {
  const pending = withStatus({ notified: 'pending', warnedThrough: 401 as Epoch, lastStatusRequestEpoch: EPOCH })
  for (const user of [pending, { ...pending, exposedEpochs: leeOf([420, 0, 50], [420, 1, 50], [420, 2, 50]) }]) {
    for (const at of [NOW, later(NOW, 900), later(NOW, 20 * 86_400)]) {
      const decision = ask(user, at)
      assertAnswer(decision, 401)
      assert.equal(decision.served && decision.status, undefined)
    }
  }
})

test('ROBERT §7 step 8: a status request less than T epochs after the last is refused as tooEarly', () => {
  for (const gap of [-1, 0, 1, T - 1]) {
    const user = withStatus({ lastStatusRequestEpoch: (EPOCH - gap) as Epoch }, EXPOSED)
    assert.deepEqual(ask(user), { served: false, reason: 'tooEarly' }, `${gap} epochs`)
  }
})

test('ROBERT §7 step 8: (i - SRE) >= T passes, at T exactly', () => {
  for (const gap of [T, T + 1, 400]) {
    assertAnswer(ask(withStatus({ lastStatusRequestEpoch: (EPOCH - gap) as Epoch })))
  }
})

test('ROBERT §7 step 8: the authority chooses T', () => {
  const context = { ...backEnd, parameters: withParameters({ statusGap: 2 }) }
  const user = (gap: number) => withStatus({ lastStatusRequestEpoch: (EPOCH - gap) as Epoch })
  const asked = askedBy(NOW)
  assertAnswer(decided(asked, user(2), context, NOW))
  assert.deepEqual(decided(asked, user(1), context, NOW), { served: false, reason: 'tooEarly' })
})

test('ROBERT §7 step 8: the same request again gets the same answer and changes nothing', () => {
  const request = askedBy(NOW)
  const before = withStatus({}, leeOf([400, 0, 50]))
  const first = decided(request, before, backEnd, NOW)
  // An exposure that arrives in between does not change the decision.
  const user = { ...after(before, first), exposedEpochs: EXPOSED }
  for (const delay of [0, 1, 59]) {
    const again = decided(request, user, backEnd, later(NOW, delay))
    assertAnswer(again)
    assert.equal(again.served && again.status, undefined)
  }
  assert.deepEqual(decided(request, user, backEnd, later(NOW, 60)), { served: false, reason: 'clockTooFar' })
  assert.deepEqual(ask(user, NOW, later(NOW, 1)), { served: false, reason: 'tooEarly' })
})

test('ROBERT §7 step 8: the same request again gets "1" again', () => {
  const request = askedBy(NOW)
  const user = withStatus({}, EXPOSED)
  const warned = after(user, decided(request, user, backEnd, NOW))
  assertAnswer(decided(request, warned, backEnd, later(NOW, 5)), 401)
})

test('ROBERT §7 step 8: a tag of zeros, as a new entry holds it, is the tag of no request', () => {
  const user = withStatus({ lastStatusRequestEpoch: EPOCH })
  assert.deepEqual(ask(user), { served: false, reason: 'tooEarly' })
})

test('ROBERT §7 "replies with an ACK": the right reply id makes a pending warning acknowledged', () => {
  const user = withStatus({}, EXPOSED)
  const warned = after(user, ask(user))
  const decision = acknowledge(warned, replyId(401))
  assert.deepEqual(decision, {
    served: true,
    answer: { kind: 'acknowledge' },
    status: { ...warned.status, notified: 'acknowledged' },
  })
  assert.deepEqual(ask(after(warned, decision)), { served: false, reason: 'alreadyNotified' })
})

test('ROBERT §7 "replies with an ACK": a wrong reply id is served alike and changes nothing', () => {
  const warned = withStatus({ notified: 'pending', warnedThrough: 401 as Epoch })
  const nothing = { served: true, answer: { kind: 'acknowledge' }, status: undefined }
  for (let bit = 0; bit < 8 * SIZE.replyId; bit++) {
    assert.deepEqual(acknowledge(warned, withBitFlipped(replyId(401), bit)), nothing, `bit ${bit}`)
  }
  for (const other of [replyId(), replyId(400), replyIdOf(backEnd.replyKey, ALICE.id + 1, 401 as Epoch)]) {
    assert.deepEqual(acknowledge(warned, other), nothing)
  }
})

test('ROBERT §7 "replies with an ACK": without a pending warning nothing changes', () => {
  const nothing = { served: true, answer: { kind: 'acknowledge' }, status: undefined }
  assert.deepEqual(acknowledge(ALICE, replyId()), nothing)
  assert.deepEqual(acknowledge(withStatus({ warnedThrough: 401 as Epoch }), replyId(401)), nothing)
  const acknowledged = withStatus({ notified: 'acknowledged', warnedThrough: 401 as Epoch })
  assert.deepEqual(acknowledge(acknowledged, replyId(401)), nothing)
})

test('ROBERT §7 "replies with an ACK": the acknowledgement of a reply "0" is not that of a warning in epoch 0', () => {
  const at = later(backEnd.calendar.serviceStart, 7200)
  const user = withStatus({}, leeOf([0, 0, 50], [0, 1, 50], [0, 2, 50]))
  const decision = ask(user, at)
  assertAnswer(decision, 0)
  const warned = after(user, decision)
  assert.deepEqual(after(warned, acknowledge(warned, replyId(), at)).status.notified, 'pending')
  assert.deepEqual(after(warned, acknowledge(warned, replyId(0), at)).status.notified, 'acknowledged')
})

test('reply ids differ by user and episode, and stay the same for one episode', () => {
  const ids = [replyId(), replyId(0), replyId(1), replyId(401), replyIdOf(backEnd.replyKey, 7, 401 as Epoch)].map(toHex)
  assert.equal(new Set(ids).size, 5)
  assert.equal(toHex(replyId(401)), ids[3])
  assert.equal(ids[0]!.length, 2 * SIZE.replyId)
})

test('ROBERT §3.2.1: after a notified state ended the exposures that warned do not warn again, new ones do', () => {
  const ended = withStatus({ warnedThrough: 401 as Epoch, lastStatusRequestEpoch: 402 as Epoch }, EXPOSED)
  const quiet = ask(ended)
  assertAnswer(quiet)
  assert.equal(after(ended, quiet).status.warnedThrough, 401)
  const again = { ...ended, exposedEpochs: leeOf([401, 0, 50], [402, 0, 50], [403, 1, 50], [404, 2, 50]) }
  const decision = ask(again)
  assertAnswer(decision, 404)
  assert.deepEqual(after(again, decision).status.warnedThrough, 404)
  assert.notEqual(toHex(replyId(404)), toHex(replyId(401)))
})

// Appendix C: the requests besides status, renew and acknowledge; and the end of a warning.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../src/bytes.ts'
import { Malformed } from '../src/outcome.ts'
import { CODE } from '../src/robert/constants.ts'
import { NEW_STATUS, type UserRecord, type UserStatus } from '../src/robert/id-table.ts'
import type { RequestDecision } from '../src/robert/request-decision.ts'
import { checkResetToken, makeResetToken, RESET_TOKEN } from '../src/robert/reset.ts'
import { DAY_SECONDS, type Epoch, epochAt, later, type UnixSeconds } from '../src/time.ts'
import { ALICE, askedBy, backEnd, calendar, decided, leeOf, randomOf, unix, withBitFlipped } from './fixture.ts'

const NOW = unix('2026-03-15T12:00:00Z')
const EPOCH = epochAt(calendar, NOW)
const CT = 14
const KEY = backEnd.resetKey
const WARNED = { notified: 'acknowledged', warnedThrough: (EPOCH - 100) as Epoch } as const

const userWith = (status: Partial<UserStatus>, exposedEpochs: Uint8Array = new Uint8Array(0)): UserRecord => ({
  ...ALICE,
  exposedEpochs,
  status: { ...NEW_STATUS, ...status },
})
const send = (user: UserRecord, code: number, payload: Uint8Array = new Uint8Array(0), at = NOW): RequestDecision =>
  decided(askedBy(at, { code, payload }), user, backEnd, at)
const token = (testedAt: UnixSeconds, name = 'token') => makeResetToken(KEY, testedAt, randomOf(name))
const reset = (user: UserRecord, testedAt: UnixSeconds, at = NOW) => send(user, CODE.reset, token(testedAt), at)
const REFUSED = { served: false, reason: 'resetInvalid' }

/** Three slots of one morning: enough to warn. */
const enough = (epoch: number) => leeOf([epoch, 0, 50], [epoch, 1, 50], [epoch + 1, 0, 50])

test('appendix C, c = 3: unregister removes the entry, in every state', () => {
  for (const notified of ['none', 'pending', 'acknowledged'] as const) {
    const decision = send(userWith({ notified }), CODE.unregister)
    assert.deepEqual(decision, { served: true, answer: { kind: 'unregister' }, removed: true })
  }
})

test('appendix C, c = 4: delete history empties LEE and leaves a pending warning', () => {
  for (const notified of ['none', 'pending', 'acknowledged'] as const) {
    const decision = send(userWith({ notified }, enough(EPOCH - 9)), CODE.deleteHistory)
    assert.deepEqual(decision, { served: true, answer: { kind: 'deleteHistory' }, cleared: true })
  }
})

test('c = 7: a negative test ends the warning, and names the epoch up to which exposures no longer count', () => {
  const testedAt = later(NOW, -3600)
  for (const notified of ['pending', 'acknowledged', 'none'] as const) {
    const user = userWith({ ...WARNED, notified, lastStatusRequestEpoch: 9 as Epoch })
    const decision = reset(user, testedAt)
    assert.ok(decision.served && decision.spend !== undefined)
    assert.deepEqual(decision.answer, { kind: 'reset' })
    assert.deepEqual(decision.status, { ...user.status, notified: 'none', warnedThrough: EPOCH - 4 })
    assert.equal(toHex(decision.spend.spentKey), toHex(token(testedAt).subarray(0, 16)))
  }
})

test('c = 7: the same reset again, because its reply was lost, is answered again and spends nothing', () => {
  const testedAt = later(NOW, -3600)
  const first = reset(userWith(WARNED), testedAt)
  assert.ok(first.served && first.status !== undefined)
  assert.deepEqual(reset(userWith(first.status), testedAt), { served: true, answer: { kind: 'reset' } })
})

test('c = 7: exposures up to the epoch of the test do not warn, later ones do', () => {
  const tested = reset(userWith(WARNED), NOW)
  assert.ok(tested.served && tested.status !== undefined)
  const later6h = later(NOW, 6 * 3600 + 900)
  for (const [epoch, atRisk] of [
    [EPOCH - 1, false],
    [EPOCH + 1, true],
  ] as const) {
    const decision = send(userWith(tested.status, enough(epoch)), CODE.status, new Uint8Array(0), later6h)
    assert.ok(decision.served && decision.answer.kind === 'status')
    assert.equal(decision.answer.atRisk, atRisk, `exposed at ${epoch}`)
  }
})

test('c = 7: a token of the future, of CT ago, forged or of another key resets nothing', () => {
  const user = userWith(WARNED)
  assert.deepEqual(reset(user, later(NOW, 1)), REFUSED)
  assert.deepEqual(reset(user, later(NOW, -CT * DAY_SECONDS)), REFUSED)
  assert.equal(reset(user, later(NOW, 1 - CT * DAY_SECONDS)).served, true)
  for (let bit = 0; bit < 8 * RESET_TOKEN; bit++) {
    assert.deepEqual(send(user, CODE.reset, withBitFlipped(token(NOW), bit)), REFUSED, `bit ${bit}`)
  }
  const foreign = makeResetToken(randomOf('another key')(32), NOW, randomOf('nonce'))
  assert.deepEqual(send(user, CODE.reset, foreign), REFUSED)
})

test('c = 7: a test before the service started resets nothing, one of its first second does', () => {
  const start = calendar.serviceStart
  const testedAt = (at: UnixSeconds) => reset(userWith(WARNED), at, later(start, 900))
  assert.deepEqual(testedAt(later(start, -1)), REFUSED)
  const first = testedAt(start)
  assert.equal(first.served && first.status?.warnedThrough, 0)
})

test('two tokens of one test are different and are spent apart', () => {
  const [a, b] = ['a', 'b'].map((name) => checkResetToken(KEY, token(NOW, name), NOW, CT))
  assert.ok(a !== undefined && b !== undefined)
  assert.notEqual(toHex(a.spentKey), toHex(b.spentKey))
  assert.equal(a.testedAt, NOW)
  assert.throws(() => checkResetToken(KEY, new Uint8Array(RESET_TOKEN - 1), NOW, CT), Malformed)
})

test('a warning that was acknowledged ends notifiedDays after its newest exposure; one that was not never does', () => {
  const days = backEnd.parameters.notifiedDays
  const epochs = (days * DAY_SECONDS) / calendar.epochDuration
  for (const [warnedThrough, served] of [
    [EPOCH - epochs + 1, false],
    [EPOCH - epochs, true],
  ] as const) {
    const user = userWith({ notified: 'acknowledged', warnedThrough: warnedThrough as Epoch })
    assert.equal(send(user, CODE.status).served, served)
  }
  const pending = send(userWith({ notified: 'pending', warnedThrough: 0 as Epoch }), CODE.status)
  assert.ok(pending.served && pending.answer.kind === 'status' && pending.answer.atRisk)
})

test('after the end of a warning its exposures do not count again, newer ones do', () => {
  const warnedThrough = (EPOCH - 960) as Epoch
  const ended = { notified: 'acknowledged', warnedThrough } as const
  const again = send(userWith(ended, enough(warnedThrough - 1)), CODE.status)
  assert.ok(again.served && again.answer.kind === 'status' && !again.answer.atRisk)
  assert.deepEqual([again.status?.notified, again.status?.warnedThrough], ['none', warnedThrough])
  const anew = send(userWith(ended, enough(EPOCH - 50)), CODE.status)
  assert.ok(anew.served && anew.answer.kind === 'status' && anew.answer.atRisk)
  assert.deepEqual([anew.status?.notified, anew.status?.warnedThrough], ['pending', EPOCH - 49])
})

test('ROBERT §7 step 8: a mark far in the future, left by a clock that ran ahead, silences nobody', () => {
  for (const [ahead, served] of [
    [1, false],
    [2, true],
    [30_000, true],
  ] as const) {
    const user = userWith({ lastStatusRequestEpoch: (EPOCH + ahead) as Epoch })
    assert.equal(send(user, CODE.status).served, served, `${ahead} epochs ahead`)
  }
})

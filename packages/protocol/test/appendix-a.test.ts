import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawnExposure } from '../src/robert/appendix-a.ts'
import { CODE } from '../src/robert/constants.ts'
import { NEW_STATUS, type UserRecord } from '../src/robert/id-table.ts'
import { withParameters } from '../src/robert/parameters.ts'
import { RISK_FUNCTION_NAMES, riskOf } from '../src/robert/risk.ts'
import { type Epoch, epochsIn } from '../src/time.ts'
import { ALICE, askedBy, backEnd, calendar, decided, leeOf, unix } from './fixture.ts'

const p = 500
const parameters = withParameters({ falseAlarms: p })
const context = { ...backEnd, parameters }
const WINDOW = epochsIn(calendar, parameters.notifiedDays)
const NEVER = -1

/** The first epoch of a window in which an account is told "1" without reason. */
function moment(id: number, window: number): number | undefined {
  for (let epoch = window * WINDOW; epoch < (window + 1) * WINDOW; epoch++) {
    if (drawnExposure(context, id, epoch as Epoch, NEVER) !== undefined) return epoch
  }
  return undefined
}

test('appendix A is off by default: nobody is ever drawn', () => {
  assert.equal(backEnd.parameters.falseAlarms, 0)
  for (let id = 0; id < 2000; id++) {
    assert.equal(drawnExposure(backEnd, id, (3 * WINDOW - 1) as Epoch, NEVER), undefined)
  }
})

test('appendix A: of many accounts a share of p is drawn, within 3 sigma', () => {
  const accounts = 40_000
  const share = p / 10_000
  for (const window of [1, 2]) {
    let drawn = 0
    // Whoever asks in the middle of the window and at its end misses no draw.
    const asked = [window * WINDOW + WINDOW / 2, (window + 1) * WINDOW - 1]
    for (let id = 0; id < accounts; id++) {
      if (asked.some((now) => drawnExposure(context, id, now as Epoch, NEVER) !== undefined)) drawn++
    }
    const sigma = Math.sqrt(accounts * share * (1 - share))
    assert.ok(Math.abs(drawn - accounts * share) < 3 * sigma, `${drawn} of ${accounts} in window ${window}`)
  }
})

test('appendix A: an account is drawn once in a window, from a moment of its own on, however often it asks', () => {
  const ids = Array.from({ length: 4000 }, (_, id) => id).filter(
    (id) => drawnExposure(context, id, (2 * WINDOW - 1) as Epoch, NEVER) !== undefined,
  )
  assert.ok(ids.length > 100)
  const moments = ids.slice(0, 40).map((id) => moment(id, 1)!)
  ids.slice(0, 40).forEach((id, k) => {
    const exposures = new Set<number>()
    for (let epoch = moments[k]!; epoch < Math.min(2 * WINDOW, moments[k]! + WINDOW / 2); epoch += 7) {
      exposures.add(drawnExposure(context, id, epoch as Epoch, NEVER)!)
    }
    assert.equal(exposures.size, 1, 'one exposure however often it asks')
    const [exposure] = exposures
    assert.equal(drawnExposure(context, id, (2 * WINDOW - 1) as Epoch, exposure!), undefined, 'warned once')
  })
  assert.ok(new Set(moments).size > 30, 'the moments are spread over the window')
})

test('appendix A: a phone that was away is not told of an exposure that is older than any real one of which it would be told', () => {
  const oldest = epochsIn(calendar, parameters.riskNewestDays)
  const middle = (WINDOW + WINDOW / 2) as Epoch
  const ids = Array.from({ length: 4000 }, (_, id) => id)
  const drawn = ids.filter((id) => drawnExposure(context, id, middle, NEVER) !== undefined)
  let late = 0
  for (const id of drawn) {
    const exposure = drawnExposure(context, id, middle, NEVER)!
    for (const now of [exposure + oldest, exposure + oldest + 1].filter((each) => each < 2 * WINDOW)) {
      const told = now - exposure <= oldest
      assert.equal(drawnExposure(context, id, now as Epoch, NEVER), told ? exposure : undefined)
      if (!told) late++
    }
  }
  assert.ok(late > 10)
  const strict = { ...context, parameters: withParameters({ falseAlarms: p, riskNewestDays: 1 }) }
  for (const id of ids) {
    const exposure = drawnExposure(strict, id, middle, NEVER)
    assert.ok(exposure === undefined || middle - exposure <= 96)
  }
})

test('appendix A: another key draws others', () => {
  const ids = Array.from({ length: 4000 }, (_, id) => id)
  const drawnBy = (drawKey: Uint8Array) =>
    ids.filter((id) => drawnExposure({ ...context, drawKey }, id, (2 * WINDOW - 1) as Epoch, NEVER) !== undefined)
  const [one, other] = [drawnBy(backEnd.drawKey), drawnBy(new Uint8Array(32))]
  assert.ok(one.filter((id) => other.includes(id)).length < 40)
})

const NOW = unix('2026-03-25T12:00:00Z')
const certain = { ...backEnd, parameters: { ...parameters, falseAlarms: 10_000 } }
const ask = (user: UserRecord, of = certain) => decided(askedBy(NOW, { code: CODE.status }), user, of, NOW)

test('appendix A: a drawn "1" is a real one in reply and in state', () => {
  const drawn = ask(ALICE)
  const exposed = leeOf([2200, 0, 50], [2200, 1, 50], [2201, 0, 50])
  const real = ask({ ...ALICE, exposedEpochs: exposed })
  assert.ok(drawn.served && real.served && drawn.answer.kind === 'status' && real.answer.kind === 'status')
  assert.deepEqual(Object.keys(drawn.answer), Object.keys(real.answer))
  assert.deepEqual([drawn.answer.atRisk, real.answer.atRisk], [true, true])
  assert.deepEqual(Object.keys(drawn.status!), Object.keys(real.status!))
  assert.deepEqual([drawn.status!.notified, real.status!.notified], ['pending', 'pending'])
  assert.equal(drawn.status!.warnedThrough, drawn.answer.newest)
})

test('appendix A never lowers a real "1", nor moves it', () => {
  const exposed = { ...ALICE, exposedEpochs: leeOf([2200, 0, 50], [2200, 1, 50], [2201, 0, 50]) }
  for (const each of [backEnd, context, certain]) {
    const decision = ask(exposed, each)
    assert.ok(decision.served && decision.answer.kind === 'status')
    assert.deepEqual([decision.answer.atRisk, decision.answer.newest], [true, 2201])
  }
})

test('risk functions are named versions; another one scores stored exposures anew', () => {
  assert.deepEqual(RISK_FUNCTION_NAMES, ['slots-1', 'any-1'])
  const lee = leeOf([2200, 0, 5])
  const score = (name: 'slots-1' | 'any-1', now: number, after = NEVER) =>
    riskOf(name, lee, now as Epoch, after, calendar, parameters)
  assert.deepEqual(score('slots-1', 2300), { atRisk: false })
  assert.deepEqual(score('any-1', 2300), { atRisk: true, newest: 2200 })
  assert.deepEqual(score('any-1', 2200 + 960), { atRisk: true, newest: 2200 }, 'ten days old')
  assert.deepEqual(score('any-1', 2200 + 961), { atRisk: false }, 'older')
  assert.deepEqual(score('any-1', 2300, 2200), { atRisk: false }, 'no longer counting')
  const stored = { ...ALICE, exposedEpochs: lee, status: NEW_STATUS }
  const before = decided(askedBy(NOW), stored, backEnd, NOW)
  const after = decided(askedBy(NOW), stored, { ...backEnd, riskFunction: 'any-1' }, NOW)
  assert.ok(before.served && before.answer.kind === 'status' && !before.answer.atRisk)
  assert.ok(after.served && after.answer.kind === 'status' && after.answer.atRisk)
})

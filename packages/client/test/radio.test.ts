import assert from 'node:assert/strict'
import { test } from 'node:test'
import { epochAt, later, ntpOf, toHex } from '@vicinity/protocol'
import { helloMacIsValid, parseHello, parseItem, SIZE, strengthClass } from '@vicinity/protocol/robert'
import { helloAt, type KeptItem, snapshot } from '../src/index.ts'
import { DAY, EPOCH, HOUR, MINUTE, NOON, unix, World } from './world.ts'

const SLOT = 300
const [BOB, CAROL] = [2, 3]

const signalOf = (kept: KeptItem | undefined) => parseItem(kept!.item).signal

test('ROBERT §5.1: what is broadcast is the identifier of the epoch, the time, and a MAC that the back-end accepts', () => {
  const world = new World().install()
  const { calendar, user, context } = world.backEnd
  for (const seconds of [0, 1, EPOCH - 1, EPOCH, 5 * EPOCH + 7]) {
    const at = later(NOON, seconds)
    const bytes = helloAt(world.state, at)!
    assert.equal(bytes.length, SIZE.hello)
    assert.equal(parseHello(bytes).time16, ntpOf(at) % 65_536)
    assert.ok(helloMacIsValid(user.authenticationKey, bytes))
    assert.deepEqual(parseHello(bytes).ebid, parseHello(world.helloOf(user.id, at)).ebid)
    assert.equal(parseHello(bytes).ecc, parseHello(world.helloOf(user.id, at)).ecc)
    assert.ok(epochAt(calendar, at) >= epochAt(context.calendar, NOON))
  }
})

test('asking what to broadcast changes nothing', () => {
  const world = new World().install()
  const before = JSON.stringify(snapshot(world.state))
  helloAt(world.state, later(NOON, 7 * EPOCH))
  assert.equal(JSON.stringify(snapshot(world.state)), before)
})

test('at each epoch boundary the address changes with the identifier, and the old identifier is gone', () => {
  const world = new World().install()
  const old = toHex(parseHello(helloAt(world.state, NOON)!).ebid)
  const buffer = world.state.identifiers[0]!.pairs
  world.effects.length = 0
  world.runUntil(later(NOON, EPOCH))
  assert.deepEqual(world.types(), ['rotateAddress', 'wake'])
  assert.notEqual(toHex(parseHello(helloAt(world.state, world.now)!).ebid), old)
  assert.equal(helloAt(world.state, later(NOON, EPOCH - 1)), undefined)
  assert.deepEqual(buffer.subarray(0, SIZE.pair), new Uint8Array(SIZE.pair))
  world.runUntil(later(NOON, 4 * EPOCH))
  assert.deepEqual(
    world.types().filter((type) => type === 'rotateAddress'),
    Array(4).fill('rotateAddress'),
  )
})

test('a step late in an epoch rotates once, however many boundaries were slept through', () => {
  const world = new World().install()
  world.now = later(NOON, 10 * EPOCH + 5)
  const effects = world.happens({ type: 'wake' })
  assert.equal(effects.filter(({ type }) => type === 'rotateAddress').length, 1)
})

test('no identifier left: the phone stops and says so once; when it has some again it says that too', () => {
  const world = new World().install()
  world.fate = () => 'requestLost'
  world.runUntil(unix('2026-03-15T00:00:00Z'))
  assert.deepEqual(world.told(), ['broadcasting', 'identifiersExhausted'])
  const end = unix('2026-03-14T00:00:00Z')
  assert.equal(
    world.effects.find((effect) => effect.type === 'tell' && effect.notice.what !== 'broadcasting')?.stepAt,
    end,
  )
  assert.equal(helloAt(world.state, world.now), undefined)
  world.fate = () => 'answered'
  world.pass(DAY)
  assert.deepEqual(world.told(), ['broadcasting', 'identifiersExhausted', 'broadcasting'])
  assert.ok(helloAt(world.state, world.now))
})

test('ROBERT §5.2: what is heard becomes one item per identifier and slot, with the first HELLO', () => {
  const world = new World().install()
  const first = world.helloOf(BOB)
  world.meets(BOB, 3, -60)
  world.hears(CAROL)
  assert.equal(world.log.length, 0)
  world.now = later(NOON, SLOT)
  world.happens({ type: 'wake' })
  assert.equal(world.log.length, 2)
  const [bob, carol] = world.log
  assert.equal(bob!.time, NOON)
  assert.deepEqual(parseItem(bob!.item).hello, first)
  assert.equal(parseItem(bob!.item).time32, ntpOf(NOON) % 2 ** 32)
  assert.deepEqual(signalOf(bob), { strengthClass: strengthClass(-60), minutes: 3 })
  assert.deepEqual(signalOf(carol), { strengthClass: 0, minutes: 1 })
})

test('slots are counted from the start of epochs: the next slot is another item', () => {
  const world = new World({ at: later(NOON, SLOT - 30) }).install()
  world.meets(BOB, 2)
  world.pass(SLOT)
  world.happens({ type: 'wake' })
  assert.equal(world.log.length, 2)
})

test('the signal kept is the median, of two middle ones the weaker; unknown strengths do not count', () => {
  const cases: [(number | undefined)[], number | undefined][] = [
    [[-50], -50],
    [[-50, -90], -90],
    [[-90, -50, -60], -60],
    [[-50, -60, -70, -80], -70],
    [[undefined, -50, undefined], -50],
    [[undefined], undefined],
    [[Number.NaN], undefined],
    [[10, 10, -200], 10],
  ]
  for (const [strengths, median] of cases) {
    const world = new World().install()
    for (const strength of strengths) world.hears(BOB, strength)
    world.runUntil(later(NOON, EPOCH))
    assert.equal(signalOf(world.log[0]).strengthClass, strengthClass(median), `${strengths}`)
  }
})

test('minutes are distinct minutes, at most five', () => {
  const world = new World().install()
  for (let k = 0; k < SLOT; k += 10) {
    world.hears(BOB)
    world.pass(10)
  }
  world.hears(BOB)
  world.hears(BOB)
  world.runUntil(later(NOON, EPOCH))
  assert.deepEqual(
    world.log.map((kept) => signalOf(kept).minutes),
    [5, 1],
  )
})

test('ROBERT §5.2 step 1: another length is ignored and counted', () => {
  const world = new World().install()
  for (const length of [0, 15, 17, 100]) world.happens({ type: 'heard', hello: new Uint8Array(length) })
  assert.equal(world.state.ignored, 4)
  assert.deepEqual(world.state.observations, [])
})

test('ROBERT §5.2 step 3: the time in the HELLO is less than δ away, in both directions', () => {
  const heard = (seconds: number, skew = 0) => {
    const world = new World({ skew }).install()
    world.state.clockOffset = -skew
    world.happens({ type: 'heard', hello: world.helloOf(BOB, later(NOON, seconds)) })
    return world.state.observations.length === 1 && world.state.ignored === 0
  }
  assert.ok(heard(0) && heard(11) && heard(-11))
  assert.ok(!heard(12) && !heard(-12) && !heard(HOUR))
  assert.ok(heard(0, 5000))
})

test("a phone's own identifier coming back is ignored", () => {
  const world = new World().install()
  world.happens({ type: 'heard', hello: helloAt(world.state, NOON)! })
  assert.deepEqual(world.state.observations, [])
  assert.equal(world.state.ignored, 1)
})

test('before the registration everything is ignored', () => {
  const world = new World()
  assert.deepEqual(world.happens({ type: 'heard', hello: world.helloOf(BOB) }), [])
  assert.equal(world.state.ignored, 1)
})

test('a flood of identifiers is bounded, the next slot hears again', () => {
  const world = new World().install()
  for (let person = 1; person <= 600; person++) world.hears(person)
  assert.equal(world.state.observations.length, 512)
  assert.equal(world.state.ignored, 600 - 512)
  world.hears(1)
  assert.equal(world.state.ignored, 600 - 512)
  world.pass(SLOT)
  world.hears(599)
  assert.equal(world.log.length, 512)
  assert.equal(world.state.observations.length, 1)
})

test('a flood of one identifier does not grow the state', () => {
  const world = new World().install()
  world.hears(BOB, -60)
  const size = JSON.stringify(world.state).length
  for (let k = 0; k < 1000; k++) world.hears(BOB, -60)
  assert.ok(JSON.stringify(world.state).length <= size + 3)
})

test('what the radio gave may be overwritten afterwards', () => {
  const world = new World().install()
  const buffer = world.helloOf(BOB)
  const copy = Uint8Array.from(buffer)
  world.happens({ type: 'heard', hello: buffer })
  buffer.fill(0)
  world.runUntil(later(NOON, EPOCH))
  assert.deepEqual(parseItem(world.log[0]!.item).hello, copy)
})

test('ROBERT §5.2, note: once a day the phone forgets what was heard CT days ago', () => {
  const world = new World().install()
  world.runUntil(later(NOON, 3 * DAY))
  const forgets = world.effects.flatMap((effect) => (effect.type === 'forget' ? [effect] : []))
  assert.deepEqual(
    forgets.map(({ stepAt }) => stepAt),
    [10, 11, 12].map((day) => unix(`2026-03-${day}T00:00:00Z`)),
  )
  for (const { before, stepAt } of forgets) assert.equal(before, stepAt - 14 * DAY)
})

test('a clock corrected back by a second does not rotate back, nor open a closed slot again', () => {
  const world = new World().install()
  world.runUntil(later(NOON, EPOCH))
  world.hears(BOB)
  world.effects.length = 0
  world.state.clockOffset = -1
  world.happens({ type: 'wake' })
  assert.deepEqual(world.types(), ['wake'])
  assert.equal(world.state.observations.length, 1)
  assert.deepEqual(world.told(), [])
})

test('a clock set back by an hour rotates at once', () => {
  const world = new World().install()
  world.skew = -HOUR
  const effects = world.happens({ type: 'wake' })
  assert.ok(effects.some(({ type }) => type === 'rotateAddress'))
  assert.equal(world.state.wakeAt, NOON - HOUR + EPOCH)
})

test('a wake-up is asked for only when its time changes, and after every wake-up', () => {
  const world = new World().install()
  assert.deepEqual(world.hears(BOB), [])
  assert.deepEqual(world.happens({ type: 'wake' }), [{ type: 'wake', at: later(NOON, EPOCH), stepAt: NOON }])
  world.pass(MINUTE)
  assert.deepEqual(world.hears(CAROL), [])
})

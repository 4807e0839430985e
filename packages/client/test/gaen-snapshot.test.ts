// A phone that is restarted from what it saved goes on as if nothing had happened, whatever it was busy with.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Malformed } from '@vicinity/protocol'
import { REPORT_TYPE } from '@vicinity/protocol/gaen'
import { newGaenPhone, restoreGaen, snapshotGaen } from '../src/gaen/index.ts'
import type { Json } from '../src/index.ts'
import {
  DAY,
  fileOf,
  GaenWorld,
  HOUR,
  installed,
  json,
  NOON,
  Person,
  quickRandom,
  SETTINGS,
  type WorldOptions,
} from './gaen-world.ts'

const other = new Person('other')

/** A phone's life with everything in it: contacts, a warning and its end, publications, failures, chaff. */
function life(options: WorldOptions): GaenWorld {
  const world = new GaenWorld({ ...options, settings: { chaff: true }, random: quickRandom(20) })
  let sends = 0
  world.fate = () =>
    ++sends % 7 === 0 ? 'failed' : sends % 11 === 0 ? 'silence' : sends % 13 === 0 ? json(503, {}) : undefined
  world.install()
  world.meets(other, 30, -50)
  world.pass(DAY)
  world.files.set('1.zip', fileOf([other.keyOf(NOON, { reportType: REPORT_TYPE.selfReport })]))
  world.look()
  world.testType = 'likely'
  world.publish()
  world.pass(DAY)
  world.files.set('2.zip', fileOf([], { revised: [other.keyOf(NOON, { reportType: REPORT_TYPE.revoked })] }))
  world.look()
  world.testType = 'negative'
  world.publish()
  world.skew = -5 * HOUR
  world.pass(6 * DAY)
  return world
}

test('a phone that is restarted from its snapshot before every step lives exactly the same life', () => {
  const whole = life({})
  const restarted = life({ restarts: true })
  assert.deepEqual(restarted.effects, whole.effects)
  assert.deepEqual(snapshotGaen(restarted.state), snapshotGaen(whole.state))
  for (const what of ['atRisk', 'warningEnded', 'keysPublished', 'keysTakenBack'] as const) {
    assert.ok(whole.told().includes(what), what)
  }
  const chaff = whole.sent().filter(({ request }) => request.headers['x-chaff'] !== undefined)
  assert.ok(chaff.length > 0)
})

test('a phone that crashes at any request recovers by itself', () => {
  for (let crashAt = 1; crashAt <= 12; crashAt++) {
    const world = new GaenWorld()
    let sends = 0
    world.fate = () => (++sends === crashAt ? 'silence' : undefined)
    world.install()
    world.meets(other, 30, -50)
    world.files.set('1.zip', fileOf([other.keyOf(NOON)]))
    world.publish()
    world.crash()
    world.happens({ type: 'wake' })
    world.pass(DAY)
    assert.deepEqual([...world.told()].sort(), ['atRisk', 'keysPublished'], `${crashAt}`)
  }
})

test('a phone that crashes after any step finds its way: what it saved last is enough', () => {
  // Each run is stopped after one more step, goes back to what was saved last, and is woken.
  for (let stopAt = 1; stopAt <= 25; stopAt++) {
    const world = installed()
    let saved = JSON.stringify(snapshotGaen(world.state))
    let steps = 0
    const step = world.step.bind(world)
    world.step = (event) => {
      const effects = step(event)
      if (effects.some(({ type }) => type === 'persist')) saved = JSON.stringify(snapshotGaen(world.state))
      if (++steps === stopAt) {
        world.crash()
        world.state = restoreGaen(JSON.parse(saved), world.settings)
      }
      return effects
    }
    world.files.set('1.zip', fileOf([]))
    world.happens({ type: 'declare', code: '12345678' })
    world.happens({ type: 'consent', given: true })
    world.happens({ type: 'wake' })
    world.pass(DAY)
    // Before the consent was saved nothing was sent; afterwards everything is, once told or twice.
    const told = [...new Set(world.told())]
    assert.deepEqual(told, world.sent('/v1/publish').length > 0 ? ['keysPublished'] : [], `${stopAt}`)
    assert.deepEqual(world.state.read, ['1.zip'], `${stopAt}`)
  }
})

test('a restarted host gets its wake-up: the phone asks again although nothing changed', () => {
  const world = installed()
  world.pass(HOUR)
  world.crash()
  assert.deepEqual(
    world.happens({ type: 'wake' }).map(({ type }) => type),
    ['wake'],
  )
})

test('a snapshot shares no memory with the phone', () => {
  const world = installed()
  const before = JSON.stringify(snapshotGaen(world.state))
  const copy = restoreGaen(JSON.parse(before), world.settings)
  world.publish()
  world.pass(2 * DAY)
  assert.equal(JSON.stringify(snapshotGaen(copy)), before)
})

test('what is built into the application, and what can be derived again, is not part of a snapshot', () => {
  const world = installed()
  assert.ok(world.state.schedule !== undefined)
  const text = JSON.stringify(snapshotGaen(world.state))
  assert.ok(!text.includes(SETTINGS.apiKey) && !text.includes('schedule'))
  assert.deepEqual(restoreGaen(JSON.parse(text), SETTINGS).schedule, undefined)
  assert.deepEqual(restoreGaen(snapshotGaen(newGaenPhone(SETTINGS)), SETTINGS), newGaenPhone(SETTINGS))
})

test('what is no snapshot is refused, naming the field', () => {
  const good = snapshotGaen(newGaenPhone(SETTINGS)) as { readonly [name: string]: Json }
  const { keys: _, ...incomplete } = good['state'] as { readonly [name: string]: Json }
  const bad: unknown[] = [
    ...[null, undefined, 1, 'x', [], {}],
    { ...good, version: 2 },
    { version: 1 },
    { version: 1, state: 5 },
    { version: 1, state: incomplete },
    { version: 1, state: { ...(good['state'] as object), advertisement: { base64url: '?' } } },
  ]
  for (const wrong of bad) assert.throws(() => restoreGaen(wrong, SETTINGS), Malformed, JSON.stringify(wrong))
})

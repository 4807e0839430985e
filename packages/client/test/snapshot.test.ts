import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later, Malformed } from '@vicinity/protocol'
import { type Json, newPhone, restore, snapshot } from '../src/index.ts'
import { DAY, HOUR, MINUTE, NOON, unix, World, type WorldOptions } from './world.ts'

/** A phone's life with everything in it: contacts, a warning, a declaration, days without network, another registration. */
function life(options: WorldOptions): World {
  const parameters = { tokensPerDay: 6, tokenChunk: 4, uploadSpread: 2 * HOUR }
  const world = new World({ ...options, parameters, filter: 'default' })
  let calls = 0
  world.fate = () => (++calls % 7 === 0 ? 'requestLost' : calls % 11 === 0 ? 'replyLost' : 'answered')
  world.install()
  world.pass(HOUR)
  world.meets(2, 7, -55)
  world.backEnd.expose(world.now)
  world.pass(DAY)
  world.meets(3, 2)
  world.backEnd.window = { contagiousFrom: NOON, contagiousTo: later(NOON, 9 * DAY) }
  world.happens({ type: 'declare', code: '0A1B-2C3D-4E5F-6G7H' })
  world.happens({ type: 'consent', given: true })
  world.hears(4)
  world.pass(DAY)
  world.fate = () => 'requestLost'
  world.pass(6 * DAY)
  world.fate = () => 'answered'
  world.backEnd.users.clear()
  world.pass(3 * DAY)
  return world
}

test('a phone that is restarted from its snapshot before every step lives exactly the same life', () => {
  const whole = life({})
  const restarted = life({ restarts: true })
  assert.deepEqual(restarted.effects, whole.effects)
  assert.deepEqual(restarted.state, whole.state)
  for (const what of ['broadcasting', 'atRisk', 'declarationSent', 'identifiersExhausted', 'registeredAnew'] as const) {
    assert.ok(whole.told().includes(what), what)
  }
})

test('a snapshot is JSON and comes back exactly, at every stage', () => {
  const stages = new Set<string>()
  const world = new World({ parameters: { tokensPerDay: 6, tokenChunk: 4, uploadSpread: HOUR } })
  const step = world.step.bind(world)
  world.step = (event) => {
    const effects = step(event)
    const { registration, poll, declaration } = world.state
    stages.add([registration?.stage, poll?.sending?.code, declaration?.stage].join(' '))
    const json = JSON.parse(JSON.stringify(snapshot(world.state)))
    assert.deepEqual(restore(json, world.settings), world.state)
    return effects
  }
  world.install()
  world.hears(2, -50)
  world.pass(DAY)
  world.backEnd.window = { contagiousFrom: unix('2026-03-09T00:00:00Z'), contagiousTo: world.now }
  world.happens({ type: 'declare', code: '0A1B-2C3D-4E5F-6G7H' })
  world.happens({ type: 'consent', given: true })
  world.pass(3 * HOUR)
  const expected = [
    'challenge',
    'solve',
    'register',
    ' 2',
    ' 6',
    'code',
    'codeWindow',
    'recall',
    'redeemCode',
    'upload',
  ]
  for (const stage of expected)
    assert.ok(
      [...stages].some((seen) => seen.includes(stage)),
      stage,
    )
})

test('a phone that crashes at any call recovers by itself', () => {
  for (let crashAt = 1; crashAt <= 60; crashAt++) {
    const world = new World({ parameters: { tokensPerDay: 4, tokenChunk: 2, uploadSpread: 60 } })
    let calls = 0
    world.fate = () => (++calls === crashAt ? 'silence' : 'answered')
    world.install()
    world.runUntil(later(NOON, 2 * HOUR))
    world.restart()
    world.happens({ type: 'wake' })
    world.backEnd.window = { contagiousFrom: later(NOON, -2 * DAY), contagiousTo: world.now }
    world.happens({ type: 'declare', code: '0A1B-2C3D-4E5F-6G7H' })
    world.happens({ type: 'consent', given: true })
    world.pass(DAY)
    assert.deepEqual(world.told(), ['broadcasting', 'declarationSent'], `${crashAt}`)
    assert.equal(world.state.unopened, 0)
  }
})

test('a restarted host gets its wake-up: the phone asks again although nothing changed', () => {
  const world = new World().install()
  world.pass(MINUTE)
  world.crash()
  const effects = world.happens({ type: 'wake' })
  assert.deepEqual(
    effects.map(({ type }) => type),
    ['wake'],
  )
})

test('a snapshot shares no memory with the phone', () => {
  const world = new World().install()
  const before = JSON.stringify(snapshot(world.state))
  const other = restore(JSON.parse(before), world.settings)
  world.pass(2 * DAY)
  assert.equal(JSON.stringify(snapshot(other)), before)
})

test('what is built into the application is not part of a snapshot', () => {
  const { settings } = new World()
  assert.deepEqual(restore(JSON.parse(JSON.stringify(snapshot(newPhone(settings)))), settings), newPhone(settings))
  assert.ok(!JSON.stringify(snapshot(newPhone(settings))).includes('spec'))
})

test('what is no snapshot is refused, naming the field', () => {
  const { settings } = new World()
  const good = snapshot(newPhone(settings)) as { readonly [name: string]: Json }
  const { poll: _, ...incomplete } = good['state'] as { readonly [name: string]: Json }
  const bad: unknown[] = [
    null,
    undefined,
    1,
    'x',
    [],
    {},
    { ...good, version: 2 },
    { version: 1 },
    { version: 1, state: 5 },
    { version: 1, state: incomplete },
    { version: 1, state: { ...(good['state'] as object), keys: { base64url: '?' } } },
  ]
  for (const json of bad) assert.throws(() => restore(json, settings), Malformed, JSON.stringify(json))
})

// Chaff: a phone that has nothing to publish looks now and then as if it had. Who watches sizes, times and order must not know.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later, type Random } from '@vicinity/protocol'
import {
  type GaenEffect,
  type GaenSettings,
  newGaenPhone,
  type Outgoing,
  restoreGaen,
  snapshotGaen,
  stepGaen,
} from '../src/gaen/index.ts'
import { CERTIFICATE, marks, PUBLISH, pathsOf, VERIFY } from './gaen-publishing.ts'
import {
  DAY,
  type Fate,
  type GaenWorld,
  HOUR,
  installed,
  json,
  MINUTE,
  NOON,
  quickRandom,
  SETTINGS,
} from './gaen-world.ts'
import { randomOf } from './random.ts'

const CHAFF: Partial<GaenSettings> = { chaff: true }
const ALL = [VERIFY, CERTIFICATE, PUBLISH]

/** Chance that can be told to draw the lowest: then chaff begins, and at once. */
function chance(seed: number): { random: Random; lucky: boolean } {
  const quick = quickRandom(seed)
  const drawn = { lucky: false, random: (length: number) => (drawn.lucky ? new Uint8Array(length) : quick(length)) }
  return drawn
}

/** Begins chaff; its first request has been answered. */
function beginChaff(world: GaenWorld, drawn: { lucky: boolean }): void {
  const at = world.state.nextChaff!
  world.runUntil(later(at, -1))
  world.now = at
  drawn.lucky = true
  world.step({ type: 'wake' })
  drawn.lucky = false
  world.settle()
}

/** All that is seen of a request from outside: as many bytes as its line, its headers and its body have. */
const sizeOf = ({ method, path, headers, body }: Outgoing): number =>
  [method, path, ...Object.entries(headers).flat(), body ?? ''].reduce((sum, text) => sum + text.length, 0)

test('chaff begins once in two days on average, at times of its own', () => {
  let begun = 0
  const hours = new Set<number>()
  for (let seed = 0; seed < 10; seed++) {
    const world = installed({ settings: CHAFF, random: quickRandom(1000 + 77 * seed) })
    world.pass(60 * DAY)
    const times = world.sent(VERIFY).map(({ stepAt }) => stepAt)
    begun += times.length
    for (const at of times) hours.add(Math.floor(at / HOUR) % 24)
    assert.deepEqual([...new Set(marks(world))], ['chaff'])
    assert.deepEqual(pathsOf(world).length, 3 * times.length)
    assert.deepEqual(world.told(), [])
  }
  assert.ok(begun > 200 && begun < 400, `${begun}`)
  assert.equal(hours.size, 24)
})

test('without chaff nothing is posted; where the application takes it up again it begins', () => {
  const world = installed()
  world.pass(30 * DAY)
  assert.deepEqual(pathsOf(world), [])
  world.state = { ...world.state, settings: { ...world.settings, ...CHAFF } }
  world.happens({ type: 'wake' })
  assert.ok(world.state.nextChaff! - world.now < 4 * HOUR)
})

test('10,000 publications of 1 to 30 keys and 10,000 of nothing: every request has one size', () => {
  const settings = { ...SETTINGS, ...CHAFF }
  const sizes = { real: new Map<string, Set<number>>(), chaff: new Map<string, Set<number>>() }
  // A token as long as the longest that a key server of ours gives: 84 keys.
  const answers: Readonly<Record<string, object>> = {
    [VERIFY]: { testtype: 'confirmed', token: 'x'.repeat(700) },
    [CERTIFICATE]: { certificate: 'x'.repeat(700) },
    [PUBLISH]: { revisionToken: 'x'.repeat(3200) },
  }
  const body = new Map(Object.entries(answers).map(([path, fields]) => [path, json(200, fields).body]))
  const lives = Array.from({ length: 15 }, (_, days) => {
    const world = installed({ settings: CHAFF, random: quickRandom(days + 1) })
    for (let day = 0; day < days; day++) {
      world.pass(DAY)
      if (day % 2 === 0) world.publish()
    }
    return { at: world.now, snapshot: snapshotGaen(world.state) }
  })
  const keys = new Set<number>()
  for (let k = 0; k < 10_000; k++) {
    for (const kind of ['real', 'chaff'] as const) {
      const life = lives[k % lives.length]!
      const drawn = chance(k + 1)
      const phone = restoreGaen(life.snapshot, settings)
      phone.chaff = undefined
      let { at } = life
      let effects: GaenEffect[] = []
      if (kind === 'real') {
        stepGaen(phone, { type: 'declare', code: k % 2 === 0 ? '12345678' : 'abcdefgh12345678' }, at, drawn.random)
        effects = stepGaen(phone, { type: 'consent', given: true }, at, drawn.random)
      } else {
        at = phone.nextChaff = later(at, 1)
        drawn.lucky = true
        effects = stepGaen(phone, { type: 'wake' }, at, drawn.random)
        drawn.lucky = false
      }
      for (const path of ALL) {
        const sent = effects.find((effect) => effect.type === 'send' && effect.request.method === 'POST')
        if (sent?.type !== 'send') throw new Error(`no request to ${path}`)
        assert.equal(sent.request.path, path)
        const seen = sizes[kind].get(path) ?? new Set()
        sizes[kind].set(path, seen.add(sizeOf(sent.request)))
        keys.add(phone.publication?.keys.length ?? 0)
        stepGaen(phone, { type: 'answered', call: sent.call, status: 200, body: body.get(path)! }, at, drawn.random)
        at = phone[kind === 'real' ? 'publication' : 'chaff']?.due ?? at
        effects = stepGaen(phone, { type: 'wake' }, at, drawn.random)
      }
    }
  }
  for (const path of ALL) {
    assert.equal(sizes.real.get(path)!.size, 1)
    assert.deepEqual(sizes.real.get(path), sizes.chaff.get(path))
  }
  assert.ok(Math.max(...keys) > 20)
})

test('the mark of chaff is as long as its opposite also where headers are packed (RFC 7541, appendix B)', () => {
  const bits: Readonly<Record<string, number>> = { x: 7, '-': 6, c: 5, h: 6, a: 5, f: 6, u: 6, s: 5, l: 6 }
  const packed = (name: string) => [...name].reduce((sum, letter) => sum + bits[letter]!, 0)
  assert.equal(packed('x-chaff'), packed('x-usual'))
})

test('chaff and publications fail, pause and come back alike', () => {
  const patterns: readonly (readonly Fate[])[] = [
    ['failed'],
    ['silence', 'failed'],
    [json(503, {}), json(429, {}), json(400, { code: 'internal_error' })],
    Array.from({ length: 30 }, () => 'failed' as const),
  ]
  for (const [p, pattern] of patterns.entries()) {
    for (const path of ALL) {
      const [real, chaff] = ['real', 'chaff'].map((kind) => {
        const drawn = chance(10 * p + 5)
        const world = installed({ settings: CHAFF, random: drawn.random })
        let next = 0
        world.fate = (request) => (request.path === path ? pattern[next++] : undefined)
        if (kind === 'real') world.publish()
        else beginChaff(world, drawn)
        while (world.state[kind === 'real' ? 'publication' : 'chaff'] !== undefined) world.pass(MINUTE)
        return pathsOf(world)
      })
      assert.deepEqual(chaff, real)
    }
  }
})

test('pauses of chaff are those of a publication', () => {
  const pauses = { real: [] as number[], chaff: [] as number[] }
  for (let k = 1; k <= 150; k++) {
    for (const kind of ['real', 'chaff'] as const) {
      const drawn = chance(k)
      const world = installed({ settings: CHAFF, random: drawn.random })
      if (kind === 'real') world.publish()
      else beginChaff(world, drawn)
      world.pass(MINUTE)
      const times = world.sent().flatMap(({ stepAt, request }) => (request.method === 'POST' ? [stepAt] : []))
      assert.equal(times.length, 3)
      pauses[kind].push(times[1]! - times[0]!, times[2]! - times[1]!)
    }
  }
  for (const list of Object.values(pauses)) {
    assert.deepEqual([Math.min(...list), Math.max(...list)], [1, 10])
    const mean = list.reduce((sum, pause) => sum + pause, 0) / list.length
    assert.ok(Math.abs(mean - 5.5) < 0.6, `${mean}`)
  }
})

test('chaff that waits makes way for a publication', () => {
  const drawn = chance(3)
  const world = installed({ settings: CHAFF, random: drawn.random })
  world.runUntil(later(world.state.nextChaff!, -1))
  world.now = later(world.now, 1)
  let draws = 0
  // The odds are met, the wait is long.
  const random: Random = (length) =>
    length === 6 && ++draws === 1 ? new Uint8Array(6) : new Uint8Array(length).fill(128)
  stepGaen(world.state, { type: 'wake' }, world.now, random)
  assert.equal(world.state.chaff?.stage, 'verify')
  assert.ok(world.state.chaff.due! > later(world.now, HOUR))
  world.publish()
  assert.deepEqual(marks(world), ['real', 'real', 'real'])
  world.pass(2 * HOUR)
  assert.equal(pathsOf(world).length, 3)
})

test('chaff that has begun ends before a publication begins', () => {
  const drawn = chance(4)
  const world = installed({ settings: CHAFF, random: drawn.random })
  beginChaff(world, drawn)
  world.publish()
  assert.deepEqual(pathsOf(world), [...ALL, ...ALL])
  assert.deepEqual(marks(world), ['chaff', 'chaff', 'chaff', 'real', 'real', 'real'])
  assert.deepEqual(world.told(), ['keysPublished'])
})

test('a publication that waits for chaff can be withdrawn, and does not wait for chaff that fails', () => {
  for (const isWithdrawn of [true, false]) {
    const drawn = chance(5)
    const world = installed({ settings: CHAFF, random: drawn.random })
    world.fate = ({ path }) => (path === VERIFY ? 'silence' : undefined)
    beginChaff(world, drawn)
    world.happens({ type: 'declare', code: '12345678' })
    world.happens({ type: 'consent', given: true })
    assert.equal(world.state.publication?.due, undefined)
    if (isWithdrawn) world.happens({ type: 'consent', given: false })
    world.pass(30)
    assert.equal(pathsOf(world).length, 1)
    world.fate = () => undefined
    world.pass(10 * MINUTE)
    assert.deepEqual(
      marks(world),
      isWithdrawn ? ['chaff', 'chaff', 'chaff', 'chaff'] : ['chaff', 'real', 'real', 'real'],
    )
  }
})

test('chance begins no chaff while a publication is under way, but while a code waits for consent', () => {
  const drawn = chance(6)
  const world = installed({ settings: CHAFF, random: drawn.random })
  world.happens({ type: 'declare', code: '12345678' })
  beginChaff(world, drawn)
  world.pass(MINUTE)
  assert.deepEqual(marks(world), ['chaff', 'chaff', 'chaff'])
  world.fate = ({ path }) => (path === VERIFY ? 'silence' : undefined)
  world.happens({ type: 'consent', given: true })
  world.state.nextChaff = later(world.now, 1)
  drawn.lucky = true
  world.pass(1)
  assert.equal(world.state.chaff, undefined)
})

test('a clock that is set back does not end chaff, nor stretch its wait', () => {
  const world = installed({ settings: CHAFF, random: randomOf('back') })
  world.skew = -400 * DAY
  world.happens({ type: 'wake' })
  assert.ok(world.state.nextChaff! - world.phoneNow < 4 * HOUR)
  world.pass(30 * DAY)
  assert.ok(world.sent(VERIFY).length > 3)
})

test('a phone that was not installed plans no chaff', () => {
  const phone = newGaenPhone({ ...SETTINGS, ...CHAFF })
  assert.deepEqual(stepGaen(phone, { type: 'wake' }, NOON, quickRandom(1)), [])
  assert.equal(phone.nextChaff, undefined)
})

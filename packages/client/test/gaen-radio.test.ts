// What a phone of GAEN broadcasts and keeps: keys of a day, identifiers and addresses that change together, sightings.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later, toHex } from '@vicinity/protocol'
import {
  associatedEncryptedMetadataKey,
  encryptMetadata,
  intervalAt,
  keyStartAt,
  metadataOf,
  packMetadata,
  parseAdvertisement,
  ROLLING_PERIOD,
  rollingProximityIdentifierKey,
  rollingProximityIdentifiers,
} from '@vicinity/protocol/gaen'
import { advertisementOf, type GaenEffect } from '../src/gaen/index.ts'
import { DAY, GaenWorld, HOUR, installed, MINUTE, NOON, Person, unix } from './gaen-world.ts'
import { randomOf } from './random.ts'

/** The interval of the key of its day that an identifier is of. */
function intervalOf(world: GaenWorld): number {
  const wanted = toHex(world.identifier())
  for (const { keyData, rollingStart } of world.state.keys) {
    const rows = rollingProximityIdentifiers(rollingProximityIdentifierKey(keyData), rollingStart, ROLLING_PERIOD)
    for (let k = 0; k < ROLLING_PERIOD; k++) {
      if (toHex(rows.subarray(16 * k, 16 * (k + 1))) === wanted) return rollingStart + k
    }
  }
  throw new Error('the identifier is of no key')
}

const kept = (effects: readonly GaenEffect[]) =>
  effects.flatMap((effect) => (effect.type === 'keep' ? [effect.heard] : []))

test('before the installation and after leaving a phone neither broadcasts nor listens nor sends', () => {
  const world = new GaenWorld()
  const heard = { type: 'heard', advertisement: new Person('other').advertisementAt(NOON) } as const
  assert.equal(advertisementOf(world.state), undefined)
  for (const event of [{ type: 'wake' }, heard, { type: 'declare', code: '12345678' }] as const) {
    assert.deepEqual(world.happens(event), [])
  }
  world.install()
  assert.equal(advertisementOf(world.state)?.length, 31)
  world.happens({ type: 'leave' })
  assert.equal(advertisementOf(world.state), undefined)
  const before = world.effects.length
  world.happens(heard)
  world.happens({ type: 'consent', given: true })
  world.happens({ type: 'wake' })
  assert.equal(world.effects.length, before)
})

test('GAEN key schedule: the first key starts at midnight, and keys roll together at multiples of 144', () => {
  const world = installed()
  world.pass(3 * DAY)
  const starts = world.state.keys.map(({ rollingStart }) => rollingStart)
  const first = keyStartAt(NOON)
  assert.equal(first % ROLLING_PERIOD, 0)
  assert.deepEqual(starts, [first, first + 144, first + 288, first + 432])
})

test('each key is 16 bytes as they were drawn: none depends on another', () => {
  const drawn = new Set<string>()
  const source = randomOf('keys')
  const random = (length: number) => {
    const bytes = source(length)
    if (length === 16) drawn.add(toHex(bytes))
    return bytes
  }
  const world = installed({ random })
  world.pass(5 * DAY)
  assert.deepEqual(
    world.state.keys.map(({ keyData }) => toHex(keyData)),
    [...drawn],
  )
})

test('the advertisement is that of the specification: identifier of this interval, encrypted version and power', () => {
  const world = installed({ settings: { transmitPower: -22 } })
  const { keyData } = world.state.keys[0]!
  const { rollingProximityIdentifier, encryptedMetadata } = parseAdvertisement(advertisementOf(world.state)!)
  const key = rollingProximityIdentifierKey(keyData)
  assert.equal(toHex(rollingProximityIdentifier), toHex(rollingProximityIdentifiers(key, intervalAt(NOON), 1)))
  const metadata = encryptMetadata(
    associatedEncryptedMetadataKey(keyData),
    rollingProximityIdentifier,
    encryptedMetadata,
  )
  assert.deepEqual(metadata, packMetadata(metadataOf(-22)))
})

test('GAEN Bluetooth: identifier and address change together, after 10 to 20 minutes, to that of the interval of the moment', () => {
  const world = installed()
  const lives: number[] = []
  let [last, born] = [toHex(world.identifier()), world.now]
  for (let k = 0; k < 3 * 24 * 60 * 6; k++) {
    const before = world.rotations()
    world.pass(10)
    const now = toHex(world.identifier())
    assert.equal(now !== last, world.rotations() > before)
    if (now === last) continue
    const { stepAt } = world.effects.findLast(({ type }) => type === 'rotateAddress')!
    assert.equal(intervalOf(world), intervalAt(stepAt))
    lives.push(stepAt - born)
    ;[last, born] = [now, stepAt]
  }
  assert.ok(lives.length > 200)
  assert.ok(Math.min(...lives) >= 600 && Math.max(...lives) <= 1200)
  assert.ok(Math.max(...lives) - Math.min(...lives) > 500, 'by chance')
})

test('with `interval` they change with each interval', () => {
  const world = installed({ settings: { rotation: 'interval' } })
  world.pass(DAY)
  const times = world.effects.filter(({ type }) => type === 'rotateAddress').map(({ stepAt }) => stepAt)
  assert.equal(times.length, 145)
  assert.ok(times.every((at) => at % 600 === 0))
})

test('an identifier outlives midnight by what is left of its life; the key of the new day begins with the next', () => {
  for (let seed = 0; seed < 20; seed++) {
    const world = installed({ at: unix('2026-03-09T23:51:00Z'), random: randomOf(`night ${seed}`) })
    const before = toHex(world.identifier())
    world.runUntil(unix('2026-03-10T00:00:30Z'))
    assert.equal(toHex(world.identifier()), before)
    assert.equal(world.state.keys.length, 1)
    world.runUntil(unix('2026-03-10T00:11:00Z'))
    assert.equal(world.state.keys.length, 2)
    assert.equal(world.state.keys[1]!.rollingStart, keyStartAt(unix('2026-03-10T00:00:00Z')))
    assert.ok(intervalOf(world) >= world.state.keys[1]!.rollingStart)
  }
})

test('a clock that is set back to yesterday and forward again finds the keys that it had', () => {
  const world = installed()
  world.pass(DAY)
  const before = world.state.keys.map(({ rollingStart }) => rollingStart)
  for (let k = 0; k < 10; k++) {
    world.skew = k % 2 === 0 ? -DAY : 0
    world.happens({ type: 'wake' })
    world.pass(HOUR)
  }
  assert.deepEqual(
    world.state.keys.map(({ rollingStart }) => rollingStart),
    before,
  )
})

test('a phone that begins in 1970, until it knows the time, keeps its keys and sightings', () => {
  const world = installed()
  world.meets(new Person('other'), 5)
  world.pass(3 * DAY)
  const { keys } = world.state
  world.skew = -world.now
  world.happens({ type: 'wake' })
  world.pass(HOUR)
  world.skew = 0
  world.happens({ type: 'wake' })
  for (const key of keys) assert.ok(world.state.keys.includes(key))
  assert.equal(world.log.length, 5)
})

test('a clock that is set back far ends the life of an identifier at once, one that is set back little does not prolong it', () => {
  const world = installed()
  const before = toHex(world.identifier())
  world.skew = -2 * HOUR
  world.happens({ type: 'wake' })
  assert.notEqual(toHex(world.identifier()), before)
  assert.equal(intervalOf(world), intervalAt(world.phoneNow))
  assert.equal(world.rotations(), 2)
})

test('an identifier is not sent under a second address, even where a clock that was set back asks for it again', () => {
  // Rotated at the very beginning of an interval, for the longest life; shortly before its end the clock goes back to the beginning.
  const longest = (length: number) => new Uint8Array(length).fill(255)
  const world = installed({ at: unix('2026-03-09T12:00:01Z'), random: longest })
  world.happens({ type: 'wake' })
  assert.equal(world.state.rotateAt, later(world.now, 1200), 'not even the second step of the same second ends it')
  const before = toHex(world.identifier())
  world.now = later(world.now, 1199)
  world.skew = -1200
  world.happens({ type: 'wake' })
  assert.equal(toHex(world.identifier()), before)
  assert.equal(world.rotations(), 1)
  world.pass(10 * MINUTE)
  assert.notEqual(toHex(world.identifier()), before)
  assert.equal(world.rotations(), 2)
})

test('keys, sightings and met keys go after 14 days', () => {
  const world = installed()
  world.meets(new Person('other'), 3)
  world.pass(13 * DAY)
  assert.equal(world.log.length, 3)
  world.pass(2 * DAY)
  assert.equal(world.log.length, 0)
  const oldest = Math.min(...world.state.keys.map(({ rollingStart }) => rollingStart))
  assert.equal(oldest, keyStartAt(later(world.now, -14 * DAY)))
  assert.equal(world.state.keys.length, 15)
})

test('of what is heard the identifier, its metadata, strength and times are kept, and copies of them', () => {
  const world = installed()
  const advertisement = new Person('other').advertisementAt(NOON)
  const parsed = parseAdvertisement(advertisement.slice())
  const [heard] = kept(
    world.happens({ type: 'heard', advertisement, strength: -63, previousScanAt: later(NOON, -240) }),
  )
  advertisement.fill(0)
  assert.deepEqual(heard, {
    at: NOON,
    identifier: parsed.rollingProximityIdentifier,
    encryptedMetadata: parsed.encryptedMetadata,
    strength: -63,
    previousScanAt: later(NOON, -240),
  })
})

test('a strength or a scan that is no number is unknown', () => {
  const world = installed()
  const advertisement = new Person('other').advertisementAt(NOON)
  for (const strange of [Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
    const event = { type: 'heard', advertisement, strength: strange, previousScanAt: strange } as never
    const [heard] = kept(world.happens(event))
    assert.deepEqual([heard!.strength, heard!.previousScanAt], [undefined, undefined])
  }
})

test('what is no advertisement of the service, and what the phone sends itself, is not kept', () => {
  const world = installed()
  const good = new Person('other').advertisementAt(NOON)
  const otherService = good.slice()
  otherService[5] = 0
  for (const advertisement of [new Uint8Array(0), good.subarray(1), otherService, advertisementOf(world.state)!]) {
    assert.deepEqual(kept(world.happens({ type: 'heard', advertisement })), [])
  }
  assert.equal(world.state.ignored, 4)
})

test('a flood fills neither the minute nor the hour beyond its share; what comes later is heard again', () => {
  const world = installed()
  const advertisement = new Person('other').advertisementAt(NOON)
  const flood = (count: number) => {
    let taken = 0
    for (let k = 0; k < count; k++) taken += kept(world.step({ type: 'heard', advertisement })).length
    return taken
  }
  assert.equal(flood(1100), 1024)
  let total = 1024
  for (let minute = 1; minute < 60; minute++) {
    world.now = later(NOON, minute * MINUTE)
    total += flood(500)
  }
  assert.equal(total, 16_384)
  world.now = later(NOON, HOUR)
  assert.equal(flood(10), 10)
})

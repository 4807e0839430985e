// From a code to published keys: what is sent, with which keys, and what becomes of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dayOf, fromBase64url, later, toHex } from '@vicinity/protocol'
import { fromBase64, intervalAt, keyStartAt, parsePublish, tekMacFits, toBase64 } from '@vicinity/protocol/gaen'
import { CERTIFICATE, marks, PUBLISH, pathsOf, published, VERIFY } from './gaen-publishing.ts'
import { DAY, HOUR, installed, json, MINUTE, NOON, namesOf, SETTINGS } from './gaen-world.ts'
import { randomOf } from './random.ts'

test('no byte of a publication leaves before the user consents', () => {
  const world = installed()
  world.happens({ type: 'declare', code: '12345678' })
  world.pass(3 * DAY)
  world.happens({ type: 'consent', given: false })
  world.happens({ type: 'consent', given: true })
  world.pass(DAY)
  assert.deepEqual(pathsOf(world), [])
  assert.equal(world.state.publication, undefined)
})

test('after consent code, token and certificate follow each other, with pauses of 1 to 10 seconds', () => {
  const pauses = new Set<number>()
  for (let k = 0; k < 40; k++) {
    const world = installed({ random: randomOf(`pauses ${k}`) })
    world.pass(k * MINUTE)
    world.publish()
    assert.deepEqual(pathsOf(world), [VERIFY, CERTIFICATE, PUBLISH])
    const times = world.sent('/').flatMap(({ stepAt, request }) => (request.method === 'POST' ? [stepAt] : []))
    pauses.add(times[1]! - times[0]!).add(times[2]! - times[1]!)
    assert.deepEqual(world.told(), ['keysPublished'])
  }
  assert.ok([...pauses].every((pause) => pause >= 1 && pause <= 10) && pauses.size > 5)
})

test('requests have exactly the fields of the deployed servers', () => {
  const world = installed()
  world.pass(2 * DAY)
  world.happens({ type: 'declare', code: ' 1234-5678 ', onset: dayOf(NOON) })
  world.happens({ type: 'consent', given: true })
  world.pass(MINUTE)
  const [verify, certificate, publish] = [VERIFY, CERTIFICATE, PUBLISH].map((path) => world.said(path)[0]!)
  assert.deepEqual(
    { ...verify, padding: '' },
    { code: '12345678', accept: ['confirmed', 'likely', 'negative'], padding: '' },
  )
  assert.deepEqual(Object.keys(certificate!), ['token', 'ekeyhmac', 'padding'])
  assert.equal(certificate!['token'], 'a token')
  assert.deepEqual(
    { ...publish, temporaryExposureKeys: [], hmacKey: '', padding: '' },
    {
      temporaryExposureKeys: [],
      healthAuthorityID: 'authority',
      verificationPayload: 'a certificate',
      hmacKey: '',
      symptomOnsetInterval: dayOf(NOON) * 144,
      traveler: false,
      revisionToken: '',
      padding: '',
    },
  )
  for (const { request } of world.sent().filter(({ request: { method } }) => method === 'POST')) {
    assert.deepEqual(request.headers, {
      'content-type': 'application/json',
      'x-api-key': SETTINGS.apiKey,
      'x-usual': '1',
    })
  }
})

test('without an onset the field is left out', () => {
  const world = installed()
  world.publish()
  assert.ok(!Object.hasOwn(world.said(PUBLISH)[0]!, 'symptomOnsetInterval'))
})

test('the certificate is asked for with the MAC of the keys that are then published', () => {
  const world = installed()
  world.pass(5 * DAY)
  world.publish()
  const { keys, hmacKey } = parsePublish(world.said(PUBLISH)[0]!)
  const mac = fromBase64(world.said(CERTIFICATE)[0]!['ekeyhmac'] as string)
  assert.equal(fromBase64(hmacKey).length, 16)
  assert.ok(tekMacFits(mac, keys, fromBase64(hmacKey)))
})

test('`cut`: the key of today is published up to this interval, and another one is broadcast from then on', () => {
  const world = installed()
  world.pass(14 * DAY)
  const before = namesOf(world.state)
  const [identifier, rotations] = [toHex(world.identifier()), world.rotations()]
  world.publish()
  const [keys] = published(world)
  assert.deepEqual(
    keys!.map(({ key }) => key),
    before,
  )
  assert.equal(keys!.length, 15)
  const start = keyStartAt(world.now)
  assert.deepEqual(
    keys!.map(({ rollingPeriod }) => rollingPeriod),
    [...Array.from({ length: 14 }, () => 144), intervalAt(world.now) - start + 1],
  )
  assert.notEqual(toHex(world.identifier()), identifier)
  assert.equal(world.rotations(), rotations + 1)
  assert.equal(world.state.keys.length, 16)
  assert.deepEqual(
    world.state.keys.slice(-2).map(({ rollingStart }) => rollingStart),
    [start, start],
  )
})

test('`cut` in the last interval of a day needs no cut', () => {
  const world = installed()
  world.runUntil(later(NOON, 12 * HOUR - 5 * MINUTE))
  world.publish()
  assert.deepEqual(
    published(world)[0]!.map(({ rollingPeriod }) => rollingPeriod),
    [144],
  )
  assert.equal(world.state.keys.length, 1)
})

test('`heldBack`: the key of today goes whole and is broadcast until midnight', () => {
  const world = installed({ settings: { sameDayKey: 'heldBack' } })
  world.pass(DAY)
  world.publish()
  assert.deepEqual(
    published(world)[0]!.map(({ key, rollingPeriod }) => [key, rollingPeriod]),
    namesOf(world.state).map((key) => [key, 144]),
  )
  assert.equal(world.state.keys.length, 2)
})

test('however often it is published in a day, at most three keys have one start, and at most thirty are sent', () => {
  const world = installed()
  for (let day = 0; day < 16; day++) {
    for (let k = 0; k < 5; k++) {
      world.publish()
      world.pass(HOUR)
    }
    world.pass(DAY - 5 * HOUR)
  }
  for (const keys of published(world)) {
    const ofStart = new Map<number, number>()
    for (const { rollingStartNumber: start } of keys) ofStart.set(start, (ofStart.get(start) ?? 0) + 1)
    assert.ok([...ofStart.values()].every((count) => count <= 3))
    assert.ok(keys.length <= 30)
  }
  const last = published(world).at(-1)!
  assert.equal(last.length, 30)
  assert.equal(last.at(-1)!.rollingStartNumber, keyStartAt(world.sent(PUBLISH).at(-1)!.stepAt), 'the newest')
})

test('a key keeps its period in every publication', () => {
  const world = installed()
  const periods = new Map<string, number>()
  for (let k = 0; k < 20; k++) {
    world.publish()
    world.pass(5 * HOUR)
  }
  for (const { key, rollingPeriod } of published(world).flat()) {
    assert.equal(periods.get(key) ?? rollingPeriod, rollingPeriod)
    periods.set(key, rollingPeriod)
  }
})

test('a second code publishes all keys again, with the revision token of the first', () => {
  const world = installed()
  world.testType = 'likely'
  world.publish()
  world.pass(2 * DAY)
  world.testType = 'confirmed'
  world.publish('abcd-efgh-ijkl-mnop')
  const [first, second] = published(world)
  assert.deepEqual(first!.length, 1)
  assert.deepEqual(second!.length, 4)
  assert.deepEqual(second![0], first![0])
  assert.deepEqual(
    world.said(PUBLISH).map(({ revisionToken }) => revisionToken),
    ['', 'a revision token'],
  )
  assert.deepEqual(
    world.said(VERIFY).map(({ code }) => code),
    ['12345678', 'abcdefghijklmnop'],
  )
})

test('a negative test takes back what was published, and nothing else is sent', () => {
  const world = installed()
  world.testType = 'likely'
  world.publish()
  world.pass(2 * DAY)
  world.testType = 'negative'
  world.publish()
  const [first, second] = published(world)
  assert.deepEqual(second, first)
  assert.deepEqual(world.notices(), [
    { what: 'keysPublished', count: 1 },
    { what: 'keysTakenBack', count: 1 },
  ])
})

test('after a negative test a positive one publishes what was not taken back', () => {
  const world = installed()
  world.testType = 'likely'
  world.publish()
  world.testType = 'negative'
  world.publish()
  world.pass(DAY)
  world.testType = 'confirmed'
  world.publish()
  const [first, , third] = published(world)
  assert.equal(third!.length, 2)
  assert.ok(!third!.some(({ key }) => key === first![0]!.key))
})

test('a negative test without a publication before sends no key: the requests go on as chaff', () => {
  const world = installed()
  world.testType = 'negative'
  world.publish()
  assert.deepEqual(world.notices(), [{ what: 'keysTakenBack', count: 0 }])
  assert.deepEqual(marks(world), ['real', 'chaff', 'chaff'])
  const names = namesOf(world.state)
  assert.ok(published(world)[0]!.every(({ key }) => !names.includes(key)))
})

test('a server without revision tokens gets each key once', () => {
  const world = installed()
  world.fate = ({ path }) => (path === PUBLISH ? json(200, {}) : undefined)
  world.publish()
  world.pass(DAY)
  world.publish()
  const [first, second] = published(world)
  assert.equal(second!.length, 2)
  assert.ok(!second!.some(({ key }) => key === first![0]!.key))
})

test('a revision token is forgotten with the last key that it names', () => {
  const world = installed()
  world.publish()
  world.pass(13 * DAY)
  assert.equal(world.state.revisionToken, 'a revision token')
  world.pass(3 * DAY)
  assert.equal(world.state.revisionToken, '')
})

test('the padding is random text that no server takes for the mark of chaff', () => {
  const world = installed()
  world.publish()
  for (const path of [VERIFY, CERTIFICATE, PUBLISH]) {
    const padding = world.said(path)[0]!['padding'] as string
    assert.match(padding, /^-[\w-]{1000,}$/)
    assert.ok(fromBase64url(padding.slice(1, 1 + 4 * 200)).length === 600)
  }
  assert.notEqual(world.said(VERIFY)[0]!['padding'], world.said(CERTIFICATE)[0]!['padding'])
  assert.equal(toBase64(new Uint8Array(16)).length, 24)
})

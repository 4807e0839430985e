import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later, ntpOf, Writer } from '@vicinity/protocol'
import { publicPoint } from '@vicinity/protocol/crypto'
import { PARAMETERS, sealFor } from '@vicinity/protocol/robert'
import { helloAt } from '../src/index.ts'
import { randomOf } from './random.ts'
import { EPOCH, HOUR, MINUTE, NOON, World } from './world.ts'

test('ROBERT §3.3: a phone registers, holds its first identifiers and broadcasts', () => {
  const world = new World()
  assert.equal(helloAt(world.state, NOON), undefined)
  const effects = world.install().effects.map(({ type }) => type)
  const expected = ['call', 'wake', 'solve', 'wake', 'call', 'wake', 'persist', 'rotateAddress', 'tell', 'wake']
  assert.deepEqual(effects, expected)
  assert.deepEqual(
    world.calls().map(({ endpoint }) => endpoint),
    ['challenge', 'register'],
  )
  assert.deepEqual(world.notices(), [{ what: 'broadcasting' }])
  assert.ok(helloAt(world.state, NOON))
  assert.deepEqual(world.state.keys?.authenticationKey, new Uint8Array(world.backEnd.user.authenticationKey))
  assert.deepEqual(world.state.keys?.encryptionKey, new Uint8Array(world.backEnd.user.encryptionKey))
})

test('the private key is forgotten once the keys are agreed', () => {
  const world = new World()
  world.step({ type: 'install' })
  const { privateKey } = world.state.registration!
  world.settle()
  assert.equal(world.state.registration, undefined)
  assert.deepEqual(privateKey, new Uint8Array(32))
})

test('a second install changes nothing, before and after the registration', () => {
  const world = new World()
  world.step({ type: 'install' })
  assert.deepEqual(world.step({ type: 'install' }), [])
  world.settle()
  assert.deepEqual(world.happens({ type: 'install' }), [])
  assert.equal(world.backEnd.users.size, 1)
})

test('a registration that fails is tried again with full jitter: within 1 min, 2 min, 4 min … 3 h', () => {
  const world = new World()
  world.fate = () => 'requestLost'
  world.install()
  world.pass(60 * HOUR)
  const times = world.calls('challenge').map(({ stepAt }) => stepAt)
  const gaps = times.slice(1).map((at, k) => at - times[k]!)
  gaps.forEach((gap, k) => {
    const ceiling = Math.min(MINUTE * 2 ** k, 3 * HOUR)
    assert.ok(gap >= 1 && gap <= ceiling, `gap ${k}: ${gap}`)
  })
  assert.ok(gaps.length > 20 && Math.max(...gaps) > HOUR)
  world.fate = () => 'answered'
  world.pass(3 * HOUR)
  assert.deepEqual(world.told(), ['broadcasting'])
})

test('a lost answer to register: the same challenge is spent, so another key pair begins again', () => {
  const world = new World()
  let lost = 0
  world.fate = ({ endpoint }) => (endpoint === 'register' && lost++ === 0 ? 'replyLost' : 'answered')
  world.install()
  world.pass(10 * MINUTE)
  const [first, again, fresh] = world.calls('register')
  assert.deepEqual(again?.request, first?.request)
  assert.notDeepEqual(fresh?.request, first?.request)
  assert.equal(world.calls('challenge').length, 2)
  assert.notEqual(world.state.keys, undefined)
})

test('an expired challenge is not used again', () => {
  const world = new World({ parameters: { challengeLife: 30 } })
  world.step({ type: 'install' })
  world.fate = ({ endpoint }) => {
    if (endpoint === 'register') world.now = later(world.now, 31)
    return 'answered'
  }
  world.settle()
  assert.equal(world.state.keys, undefined)
  world.fate = () => 'answered'
  world.pass(2 * MINUTE)
  assert.equal(world.calls('challenge').length, 2)
  assert.notEqual(world.state.keys, undefined)
})

test('a solution that never comes: after the longest life of a challenge a new one is asked for', () => {
  const world = new World()
  world.install = () => world
  world.step({ type: 'install' })
  const challenge = world.calls('challenge')[0]!
  const response = world.backEnd.answer('challenge', challenge.request as { publicKey: Uint8Array }, world.now)
  world.crash()
  world.step({ type: 'answered', call: challenge.call, endpoint: 'challenge', response })
  world.crash()
  world.pass(PARAMETERS.challengeLife.most + 2 * MINUTE)
  assert.equal(world.calls('challenge').length, 2)
  assert.notEqual(world.state.keys, undefined)
})

test('a solution that nobody waits for is ignored', () => {
  const world = new World().install()
  assert.deepEqual(world.happens({ type: 'solved', solution: new Uint8Array(8) }), [])
})

for (const [name, list] of [
  ['random bytes', new Uint8Array(500).fill(7)],
  ['one byte', new Uint8Array(1)],
] as const) {
  test(`a first list that cannot be opened (${name}) is a failure like no answer`, () => {
    const world = new World()
    let garbled = 0
    const answer = world.backEnd.answer.bind(world.backEnd)
    world.backEnd.answer = (endpoint, request, at) => {
      const response = answer(endpoint, request, at)
      return endpoint === 'register' && garbled++ === 0 ? { ...response, list } : response
    }
    world.install()
    assert.equal(world.state.keys, undefined)
    assert.deepEqual(world.told(), [])
    world.pass(2 * MINUTE)
    assert.notEqual(world.state.keys, undefined)
  })
}

test('a first list without identifiers is a failure', () => {
  const world = new World()
  world.backEnd.bundleDays = -1
  world.install()
  assert.equal(world.state.keys, undefined)
  world.backEnd.bundleDays = 4
  world.pass(2 * MINUTE)
  assert.notEqual(world.state.keys, undefined)
})

test('a first list that counts more than it holds, or of epochs that do not exist, is a failure', () => {
  const broken = (first: number, count: number) => new Writer(15).uint(4, first).uint(2, count).bytes
  for (const plaintext of [broken(816, 2), broken(0xffffffff, 1), new Uint8Array(3)]) {
    const world = new World()
    let garbled = 0
    const answer = world.backEnd.answer.bind(world.backEnd)
    world.backEnd.answer = (endpoint, request, at) => {
      const response = answer(endpoint, request, at)
      if (endpoint !== 'register' || garbled++ > 0) return response
      return { ...response, list: sealFor(world.backEnd.user.encryptionKey, plaintext, randomOf('iv')) }
    }
    world.install()
    assert.equal(world.state.keys, undefined)
    world.pass(2 * MINUTE)
    assert.notEqual(world.state.keys, undefined)
  }
})

test('another server key than the one built in: the phone never believes the answer', () => {
  const world = new World()
  const strange = { ...world.settings, serverPublicKey: publicPoint(new Uint8Array(32).fill(9)) }
  world.state = { ...world.state, settings: strange }
  world.install()
  world.pass(HOUR)
  assert.equal(world.state.keys, undefined)
})

test("the clock is set by the answer, however wrong it was: else no request would ever be close to the server's time", () => {
  for (const skew of [0, 61, -61, EPOCH + 100, -3 * HOUR, 48 * HOUR]) {
    const world = new World({ skew, at: NOON }).install()
    assert.equal(world.state.clockOffset, skew === 0 ? 0 : -skew, `${skew}`)
    assert.ok(helloAt(world.state, world.phoneNow))
  }
})

test('no answer of the registration is believed about the time of the next poll beyond two days, or below a minute', () => {
  for (const [said, expected] of [
    [0, MINUTE],
    [2 ** 31, 48 * HOUR],
  ] as const) {
    const world = new World()
    world.backEnd.nextPoll = said
    world.install()
    assert.equal(world.state.poll?.next, NOON + expected)
  }
})

test('the times of the protocol are by the corrected clock', () => {
  const world = new World({ skew: 2 * EPOCH }).install()
  const hello = helloAt(world.state, world.phoneNow)!
  const corrected = ntpOf(later(world.phoneNow, world.state.clockOffset))
  assert.equal(hello[9]! * 256 + hello[10]!, corrected % 65_536)
})

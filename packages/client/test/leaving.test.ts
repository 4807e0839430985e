// Who leaves (ROBERT appendix C): nothing of her stays on the phone, and the back-end is told as soon as it can be.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later, toHex } from '@vicinity/protocol'
import { CODE } from '@vicinity/protocol/robert'
import { helloAt, newPhone, snapshot } from '../src/index.ts'
import { DAY, fatesOf, garble, HOUR, installed, MINUTE, NOON, tokenOf, World, warned } from './world.ts'

const { status, unregister, acknowledge } = CODE
const POLL = 8 * HOUR

const sentCodes = (world: World) =>
  world.calls('request').map(({ request }) => (request as { request: Uint8Array }).request[0])
const isAsNew = (world: World) =>
  assert.deepEqual(world.state, { ...newPhone(world.settings), calls: world.state.calls })

test('leave: the account goes at once, its acknowledgement follows, and the phone is as new', () => {
  const world = installed()
  world.meets(2, 7)
  assert.equal(world.log.length, 1)
  world.happens({ type: 'leave' })
  assert.deepEqual(world.codes(), [unregister, acknowledge])
  assert.equal(world.backEnd.users.size, 0)
  assert.deepEqual(world.told(), ['broadcasting', 'left'])
  assert.deepEqual(world.log, [])
  assert.equal(helloAt(world.state, world.now), undefined)
  isAsNew(world)
  // Nothing is left to do, ever.
  world.hears(2)
  world.pass(30 * DAY)
  world.happens({ type: 'wake' })
  assert.deepEqual(world.codes(), [unregister, acknowledge])
  assert.deepEqual(world.log, [])
})

test('leave overwrites the keys and identifiers in memory: who finds the phone later finds nothing of the account', () => {
  const world = installed()
  const keys = world.state.keys!
  const { identifiers } = world.state
  world.happens({ type: 'leave' })
  for (const bytes of [keys.authenticationKey, keys.encryptionKey, ...identifiers.map(({ pairs }) => pairs)]) {
    assert.ok(bytes.every((byte) => byte === 0))
  }
})

test('leave: broadcasting and listening stop and the log is empty before the back-end has heard of it', () => {
  const world = installed()
  world.meets(2, 7)
  world.fate = () => 'requestLost'
  world.hears(3)
  world.happens({ type: 'leave' })
  assert.deepEqual(world.log, [])
  for (let hour = 0; hour < 20; hour++) {
    assert.equal(helloAt(world.state, world.now), undefined)
    world.hears(3)
    world.pass(HOUR)
  }
  assert.deepEqual(world.log, [])
  assert.ok(sentCodes(world).every((code) => code === unregister))
  assert.ok(sentCodes(world).length > 10)
  assert.deepEqual(world.told(), ['broadcasting'])
  // The network is back: the account goes, and the phone says so.
  world.fate = () => 'answered'
  world.pass(3 * HOUR)
  assert.deepEqual(world.told(), ['broadcasting', 'left'])
  assert.equal(world.backEnd.users.size, 0)
  isAsNew(world)
})

test('leave: the reply is lost, and what is sent again finds no account: after three tries the phone takes it for gone', () => {
  const world = installed()
  fatesOf(world, unregister, ['replyLost'])
  world.happens({ type: 'leave' })
  world.pass(MINUTE)
  assert.equal(world.backEnd.users.size, 0)
  assert.deepEqual(world.codes(), [unregister, unregister, acknowledge])
  assert.deepEqual(world.told(), ['broadcasting'])
  world.pass(DAY)
  const again = [unregister, acknowledge, unregister, acknowledge]
  assert.deepEqual(world.codes(), [unregister, unregister, acknowledge, ...again])
  assert.deepEqual(world.told(), ['broadcasting', 'left'])
  isAsNew(world)
})

test('leave: replies that cannot be opened: it asks so often as the parameter says, then forgets everything', () => {
  const world = installed({ parameters: { unopenedReplies: 4 } })
  garble(world)
  world.happens({ type: 'leave' })
  world.pass(3 * DAY)
  assert.equal(sentCodes(world).filter((code) => code === unregister).length, 4)
  assert.equal(sentCodes(world).length, 8)
  assert.deepEqual(world.told(), ['broadcasting', 'left'])
  assert.equal(world.calls('register').length, 1, 'it does not register anew in order to leave')
  isAsNew(world)
})

test('leave before the registration, and in the middle of it: no request, and a late answer changes nothing', () => {
  const world = new World()
  world.happens({ type: 'leave' })
  assert.deepEqual(world.calls(), [])
  assert.deepEqual(world.told(), ['left'])
  isAsNew(world)
  const registering = new World()
  registering.step({ type: 'install' })
  registering.step({ type: 'leave' })
  registering.settle()
  assert.deepEqual(
    registering.calls().map(({ endpoint }) => endpoint),
    ['challenge'],
  )
  isAsNew(registering)
})

test('leave while a status request is on its way: its exchange ends as always, and that of leaving follows at once', () => {
  const world = installed()
  world.runUntil(later(NOON, POLL - 1))
  world.now = later(NOON, POLL)
  world.step({ type: 'wake' })
  world.step({ type: 'leave' })
  assert.equal(helloAt(world.state, world.now), undefined)
  world.settle()
  assert.deepEqual(world.codes(), [status, acknowledge, unregister, acknowledge])
  assert.equal(world.now, NOON + POLL)
  assert.deepEqual(world.told(), ['broadcasting', 'left'])
  isAsNew(world)
})

test('leave while a request waits to be sent again, or its acknowledgement is on its way: it follows within a minute', () => {
  for (const [lost, expected] of [
    [status, [status, acknowledge, unregister, acknowledge]],
    [acknowledge, [status, acknowledge, unregister, acknowledge]],
  ] as const) {
    const world = installed()
    fatesOf(world, lost, ['requestLost'])
    world.runUntil(later(NOON, POLL))
    world.happens({ type: 'leave' })
    world.pass(MINUTE)
    assert.deepEqual(world.codes(), expected, `${lost}`)
    isAsNew(world)
  }
})

test('leave while the phone backs off after failures does not wait for the end of that', () => {
  const world = installed()
  world.fate = ({ endpoint }) => (endpoint === 'request' ? 'requestLost' : 'answered')
  world.pass(2 * DAY)
  world.fate = () => 'answered'
  world.happens({ type: 'leave' })
  assert.deepEqual(world.codes().slice(-2), [unregister, acknowledge])
  isAsNew(world)
})

test('leave with identifiers that are too old to be understood: the phone forgets everything and does not register anew', () => {
  const world = installed()
  world.now = later(NOON, 20 * DAY)
  world.happens({ type: 'leave' })
  assert.equal(world.calls('register').length, 1)
  assert.deepEqual(world.calls('request'), [])
  assert.equal(world.told().at(-1), 'left')
  isAsNew(world)
})

test('leave stops a declaration: no item leaves any more', () => {
  const world = installed({ parameters: { tokensPerDay: 8, tokenChunk: 4, uploadSpread: 4 * HOUR } })
  world.meets(2, 7)
  world.backEnd.window = { contagiousFrom: later(NOON, -HOUR), contagiousTo: later(NOON, HOUR) }
  world.happens({ type: 'declare', code: '0A1B-2C3D-4E5F-6G7H' })
  world.happens({ type: 'consent', given: true })
  world.pass(HOUR)
  const sent = world.calls('upload').length
  assert.ok(sent < 8)
  world.happens({ type: 'leave' })
  world.pass(DAY)
  assert.equal(world.calls('upload').length, sent)
  assert.ok(!world.told().includes('declarationSent'))
})

test('install after leaving: another account with other keys, and nothing that tells of the first', () => {
  const world = warned()
  const before = snapshot(world.state) as { state: { keys: { authenticationKey: { base64url: string } } } }
  const first = toHex(world.state.keys!.authenticationKey)
  world.happens({ type: 'leave' })
  world.pass(DAY)
  world.happens({ type: 'install' })
  assert.equal(world.backEnd.users.size, 1)
  assert.notEqual(toHex(world.state.keys!.authenticationKey), first)
  assert.ok(!JSON.stringify(snapshot(world.state)).includes(before.state.keys.authenticationKey.base64url))
  assert.deepEqual([world.state.notified, world.state.exposureDay, world.state.warning], [false, 0, undefined])
  assert.ok(helloAt(world.state, world.now))
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk', 'left', 'broadcasting'])
  const keys = world.calls('challenge').map(({ request }) => toHex((request as { publicKey: Uint8Array }).publicKey))
  assert.equal(new Set(keys).size, 2)
})

test('nothing replaces leaving: neither another wish, nor a second leave, nor a new installation', () => {
  const world = installed()
  world.fate = () => 'requestLost'
  world.happens({ type: 'leave' })
  world.happens({ type: 'eraseHistory' })
  world.happens({ type: 'negativeTest', token: tokenOf(world) })
  world.happens({ type: 'install' })
  world.happens({ type: 'leave' })
  world.pass(HOUR)
  assert.ok(sentCodes(world).every((code) => code === unregister))
  assert.equal(world.calls('register').length, 1)
  world.fate = () => 'answered'
  world.pass(3 * HOUR)
  assert.deepEqual(world.codes(), [unregister, acknowledge])
  assert.deepEqual(world.told(), ['broadcasting', 'left'])
})

test('a second leave while the acknowledgement of the first is on its way asks nothing twice', () => {
  const world = installed()
  fatesOf(world, acknowledge, ['requestLost'])
  world.happens({ type: 'leave' })
  world.happens({ type: 'leave' })
  world.pass(MINUTE)
  assert.deepEqual(world.codes(), [unregister, acknowledge])
  assert.deepEqual(world.told(), ['broadcasting', 'left'])
})

test('a phone that dies while it leaves goes on leaving when it lives again', () => {
  const world = installed()
  world.step({ type: 'leave' })
  world.crash()
  assert.equal(helloAt(world.state, world.now), undefined)
  world.pass(5 * MINUTE)
  assert.deepEqual(world.codes(), [unregister, acknowledge])
  isAsNew(world)
})

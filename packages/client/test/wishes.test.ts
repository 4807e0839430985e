// What a user may want besides her status (ROBERT appendix C): to have her exposures forgotten, to end a warning after a negative
// test. To leave: leaving.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later, toHex } from '@vicinity/protocol'
import { CODE, RESET_TOKEN } from '@vicinity/protocol/robert'
import { restore, snapshot } from '../src/index.ts'
import { randomOf } from './random.ts'
import { DAY, fatesOf, garble, HOUR, installed, MINUTE, NOON, tokenOf, World, warned } from './world.ts'

const { status, unregister, deleteHistory, renew, acknowledge, reset } = CODE
const POLL = 8 * HOUR

const WISHES = [
  ['erase history', deleteHistory, 'historyErased'],
  ['a negative test', reset, 'warningEnded'],
] as const
const wishFor = (world: World, code: number) =>
  world.happens(code === deleteHistory ? { type: 'eraseHistory' } : { type: 'negativeTest', token: tokenOf(world) })

for (const [name, code, notice] of WISHES) {
  test(`${name} takes the place of the next status request and never adds one: the traffic is that of every other phone`, () => {
    const traffic = (wishing: boolean) => {
      const world = installed()
      world.pass(HOUR)
      if (wishing) wishFor(world, code)
      assert.deepEqual(world.codes(), [], 'nothing is sent before its time')
      world.pass(2 * DAY)
      const times = world
        .calls('request')
        .map(({ stepAt, request }) => [stepAt, (request as { request: Uint8Array }).request.length])
      return { times, codes: world.codes(), told: world.told() }
    }
    const [wished, other] = [traffic(true), traffic(false)]
    assert.deepEqual(wished.times, other.times)
    const rest = Array.from({ length: 10 }, (_, k) => (k % 2 === 0 ? status : acknowledge))
    assert.deepEqual(wished.codes, [code, acknowledge, ...rest])
    assert.deepEqual(other.codes, [status, acknowledge, ...rest])
    assert.deepEqual(wished.told, ['broadcasting', notice])
  })

  test(`${name} takes the place of a renewal where the phone is notified`, () => {
    const world = warned()
    wishFor(world, code)
    world.pass(2 * POLL)
    const next = code === reset ? status : renew
    assert.deepEqual(world.codes(), [status, acknowledge, code, acknowledge, next, acknowledge])
  })

  test(`${name}: wanted while another request is on its way, it waits for the next time`, () => {
    const world = installed()
    world.runUntil(later(NOON, POLL - 1))
    world.now = later(NOON, POLL)
    world.step({ type: 'wake' })
    if (code === deleteHistory) world.step({ type: 'eraseHistory' })
    else world.step({ type: 'negativeTest', token: tokenOf(world) })
    world.settle()
    assert.deepEqual(world.codes(), [status, acknowledge])
    assert.deepEqual(world.told(), ['broadcasting'])
    world.pass(POLL)
    assert.deepEqual(world.codes(), [status, acknowledge, code, acknowledge])
    assert.deepEqual(world.told(), ['broadcasting', notice])
  })

  test(`${name}: before the registration there is nothing to ask for`, () => {
    const world = new World()
    wishFor(world, code)
    assert.equal(world.state.wish, undefined)
    world.install()
    world.pass(POLL)
    assert.deepEqual(world.codes(), [status, acknowledge])
  })
}

test('erase history: the back-end forgets the exposure; the phone is not warned of it', () => {
  const world = installed()
  world.backEnd.expose(world.now)
  world.happens({ type: 'eraseHistory' })
  world.pass(2 * DAY)
  assert.deepEqual(world.told(), ['broadcasting', 'historyErased'])
  assert.equal(world.backEnd.user.exposed, undefined)
})

test('erase history does not end a warning that was told', () => {
  const world = warned()
  world.happens({ type: 'eraseHistory' })
  world.pass(DAY)
  assert.ok(world.state.notified)
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk', 'historyErased'])
})

test('erase history: a reply that cannot be opened says nothing, so the phone asks again, three times at most', () => {
  const world = installed()
  garble(world, (code) => code === deleteHistory)
  world.happens({ type: 'eraseHistory' })
  world.pass(2 * DAY)
  const kinds = world.codes().filter((code) => code !== acknowledge)
  assert.deepEqual(kinds.slice(0, 4), [deleteHistory, deleteHistory, deleteHistory, status])
  assert.ok(!kinds.slice(4).includes(deleteHistory))
  assert.deepEqual(world.told(), ['broadcasting'])
})

test('erase history: a lost reply is asked for again with the same bytes', () => {
  const world = installed()
  fatesOf(world, deleteHistory, ['replyLost'])
  world.happens({ type: 'eraseHistory' })
  world.pass(POLL + MINUTE)
  assert.deepEqual(world.codes(), [deleteHistory, deleteHistory, acknowledge])
  const [first, second] = world.backEnd.asked.map(({ bytes }) => toHex(bytes))
  assert.equal(first, second)
  assert.deepEqual(world.told(), ['broadcasting', 'historyErased'])
})

test('a negative test ends the warning: the user is told, and the phone asks its status again', () => {
  const world = warned()
  world.happens({ type: 'negativeTest', token: tokenOf(world) })
  assert.ok(world.state.notified, 'not before the back-end agrees')
  world.pass(POLL)
  assert.deepEqual([world.state.notified, world.state.exposureDay, world.state.warning], [false, 0, undefined])
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk', 'warningEnded'])
  world.backEnd.expose(world.now)
  world.pass(POLL)
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk', 'warningEnded', 'atRisk'])
})

test('a test that the back-end refuses: the user is told, the warning stays, and it is not tried again', () => {
  const world = warned()
  world.happens({ type: 'negativeTest', token: randomOf('forged')(RESET_TOKEN) })
  world.pass(2 * DAY)
  assert.ok(world.state.notified)
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk', 'testRefused'])
  assert.equal(world.codes().filter((code) => code === reset).length, 1)
  assert.equal(world.state.unopened, 0)
})

test('a token of another length than 36 bytes is refused on the phone: nothing is sent in its name', () => {
  for (const length of [0, 1, RESET_TOKEN - 1, RESET_TOKEN + 1, 47, 1000]) {
    const world = warned()
    world.happens({ type: 'negativeTest', token: new Uint8Array(length) })
    assert.deepEqual(world.told(), ['broadcasting', 'atRisk', 'testRefused'], `${length}`)
    world.pass(POLL)
    assert.ok(!world.codes().includes(reset))
    assert.ok(world.state.notified)
  }
})

test('a corrected token that is entered while the wrong one is on its way is sent too', () => {
  const world = warned()
  world.happens({ type: 'negativeTest', token: randomOf('mistyped')(RESET_TOKEN) })
  world.runUntil(later(NOON, 2 * POLL - 1))
  world.now = later(NOON, 2 * POLL)
  world.step({ type: 'wake' })
  world.step({ type: 'negativeTest', token: tokenOf(world) })
  world.settle()
  world.pass(10 * HOUR)
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk', 'warningEnded'])
  assert.equal(world.codes().filter((code) => code === reset).length, 2)
})

test('the last wish counts: who wants one thing and then another before the next exchange gets the other', () => {
  const world = warned()
  world.happens({ type: 'eraseHistory' })
  world.happens({ type: 'negativeTest', token: tokenOf(world) })
  world.pass(POLL)
  assert.deepEqual(world.codes().slice(-2), [reset, acknowledge])
})

test('a warning ends when its days are over: told once, and from then on the phone asks its status', () => {
  const world = warned({ parameters: { notifiedDays: 3 } })
  const { exposureDay } = world.state
  const end = ((exposureDay + 4) * DAY) as typeof NOON
  world.runUntil(later(end, -1))
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk'])
  assert.ok(world.state.notified)
  world.backEnd.user.notified = 'none'
  world.backEnd.user.exposed = undefined
  const asked = world.codes().length
  world.runUntil(later(end, POLL))
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk', 'warningEnded'])
  assert.deepEqual([world.state.notified, world.state.exposureDay, world.state.warning], [false, 0, undefined])
  assert.equal(world.codes()[asked], status)
  world.pass(5 * DAY)
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk', 'warningEnded'])
  world.backEnd.expose(world.now)
  world.pass(POLL)
  assert.deepEqual(world.told(), ['broadcasting', 'atRisk', 'warningEnded', 'atRisk'])
})

test('a phone with a wish comes back from its snapshot with it, wherever its exchange was', () => {
  for (const code of [unregister, deleteHistory, reset] as const) {
    const life = (restarts: boolean) => {
      const world = warned({ restarts })
      fatesOf(world, code, ['requestLost', 'replyLost'])
      if (code === unregister) world.happens({ type: 'leave' })
      else wishFor(world, code)
      assert.deepEqual(restore(JSON.parse(JSON.stringify(snapshot(world.state))), world.settings), world.state)
      world.pass(3 * DAY)
      return world
    }
    const [whole, restarted] = [life(false), life(true)]
    assert.deepEqual(restarted.effects, whole.effects)
    assert.deepEqual(restarted.state, whole.state)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Call, later, type UnixSeconds } from '@vicinity/protocol'
import { solveChallenge } from '@vicinity/protocol/robert'
import { type Host, helloAt, type KeptItem, type Phone, runEvent } from '../src/index.ts'
import { randomOf } from './random.ts'
import { HOUR, NOON, World } from './world.ts'

/** A host in memory whose every method is as slow as a promise; `done` lists what it performed. */
function hosted(call?: Call): { phone: Phone; done: string[]; world: World; wakeAt: () => UnixSeconds | undefined } {
  const world = new World({ parameters: { tokensPerDay: 4, tokenChunk: 2, uploadSpread: 0 } })
  const done: string[] = []
  let log: KeptItem[] = []
  let wakeAt: UnixSeconds | undefined
  const host: Host = {
    now: () => world.now,
    call:
      call ??
      (async (name, request) => {
        done.push(name)
        return world.backEnd.answer(name, request, world.now)
      }),
    solve: async (challenge) => solveChallenge(challenge),
    log: {
      keep: async (items) => {
        done.push('keep')
        log.push(...items)
      },
      forget: async (before) => {
        log = log.filter(({ time }) => time >= before)
      },
      recall: async (after, before) => log.filter(({ time }) => after < time && time < before),
    },
    rotateAddress: () => void done.push('rotateAddress'),
    setWake: (at) => {
      wakeAt = at
    },
    persist: async () => {
      await Promise.resolve()
      done.push('persist')
    },
    tell: ({ what }) => void done.push(what),
  }
  return { phone: { state: world.state, random: randomOf('hosted'), host }, done, world, wakeAt: () => wakeAt }
}

test('an event runs until everything that follows from it has settled', async () => {
  const { phone, done } = hosted()
  await runEvent(phone, { type: 'install' }, NOON)
  assert.deepEqual(done, ['challenge', 'register', 'persist', 'rotateAddress', 'broadcasting'])
  assert.ok(helloAt(phone.state, NOON))
})

test('the state is saved before the call leaves, and a whole declaration runs through', async () => {
  const { phone, done, world } = hosted()
  await runEvent(phone, { type: 'install' }, NOON)
  await runEvent(phone, { type: 'heard', hello: world.helloOf(2) }, NOON)
  done.length = 0
  world.backEnd.window = { contagiousFrom: later(NOON, -HOUR), contagiousTo: later(NOON, HOUR) }
  await runEvent(phone, { type: 'declare', code: '0A1B-2C3D-4E5F-6G7H' }, NOON)
  await runEvent(phone, { type: 'consent', given: true }, NOON)
  const uploads = Array.from({ length: 4 }, () => ['upload', 'persist']).flat()
  const before = [
    'persist',
    'persist',
    'codeWindow',
    'keep',
    'persist',
    'redeemCode',
    'persist',
    'redeemCode',
    'persist',
  ]
  assert.deepEqual(done, [...before, ...uploads.slice(0, -1), 'declarationSent', 'persist'])
  assert.equal(world.backEnd.items.length, 4)
})

test('the host is asked for the latest wake-up, however slowly it saved', async () => {
  const { phone, world, wakeAt } = hosted()
  await runEvent(phone, { type: 'install' }, NOON)
  world.now = later(NOON, 8 * HOUR)
  await Promise.all([
    runEvent(phone, { type: 'wake' }, world.now),
    runEvent(phone, { type: 'heard', hello: world.helloOf(2) }, world.now),
  ])
  assert.equal(wakeAt(), phone.state.wakeAt)
})

test('a call that fails becomes an event; a fault of the host itself is thrown', async () => {
  for (const refused of [true, false]) {
    const failing = hosted(() => Promise.reject(Object.assign(new Error('no'), { refused })))
    await runEvent(failing.phone, { type: 'install' }, NOON)
    assert.equal(failing.phone.state.registration?.failures, 1)
  }
  const faulty = hosted(() => Promise.reject(new TypeError('a fault')))
  await assert.rejects(runEvent(faulty.phone, { type: 'install' }, NOON), TypeError)
  const strange = hosted(() => Promise.reject('not even an error'))
  await assert.rejects(runEvent(strange.phone, { type: 'install' }, NOON), /not even an error/)
})

// A host of a phone of GAEN: effects are performed in order, answers fed back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UnixSeconds } from '@vicinity/protocol'
import {
  advertisementOf,
  type GaenHost,
  type GaenPhone,
  type Heard,
  openKeys,
  runGaenEvent,
} from '../src/gaen/index.ts'
import { fileOf, GaenWorld, HOUR, NOON, Person } from './gaen-world.ts'
import { randomOf } from './random.ts'

/** A host in memory whose every method is as slow as a promise; `done` lists what it performed. */
function hosted(send?: GaenHost['send']) {
  const world = new GaenWorld()
  const done: string[] = []
  let log: Heard[] = []
  let wakeAt: UnixSeconds | undefined
  const host: GaenHost = {
    now: () => world.now,
    send:
      send ??
      (async (request) => {
        done.push(request.path)
        return world.answerTo(request)
      }),
    log: {
      keep: async (heard) => {
        done.push('keep')
        log.push(heard)
      },
      forget: async (before) => {
        log = log.filter(({ at }) => at >= before)
      },
      all: async () => log,
    },
    open: openKeys,
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
  const phone: GaenPhone = { state: world.state, random: randomOf('hosted'), host }
  /** Lets the phone wake whenever it asked for, up to a time. */
  const until = async (at: UnixSeconds) => {
    while (wakeAt !== undefined && wakeAt <= at) {
      world.now = wakeAt
      wakeAt = undefined
      await runGaenEvent(phone, { type: 'wake' }, world.now)
    }
    world.now = at
  }
  return { phone, done, world, until, wakeAt: () => wakeAt }
}

const later = (seconds: number) => (NOON + seconds) as UnixSeconds

test('GAEN: an installation changes the address, saves the key, and asks to be woken', async () => {
  const { phone, done, wakeAt } = hosted()
  await runGaenEvent(phone, { type: 'install' }, NOON)
  assert.deepEqual(done, ['persist', 'rotateAddress'])
  assert.equal(wakeAt(), phone.state.rotateAt)
  assert.equal(advertisementOf(phone.state)?.length, 31)
})

test('GAEN: files are compared with the log that the host holds, and the user is told', async () => {
  const { phone, done, world, until } = hosted()
  const other = new Person('other')
  await runGaenEvent(phone, { type: 'install' }, NOON)
  for (let minute = 1; minute <= 30; minute++) {
    const at = later(60 * minute)
    await until(at)
    await runGaenEvent(phone, { type: 'heard', advertisement: other.advertisementAt(at), strength: -50 }, at)
  }
  world.files.set('1.zip', fileOf([other.keyOf(NOON)]))
  done.length = 0
  await until(later(5 * HOUR))
  assert.deepEqual(
    done.filter((each) => each !== 'rotateAddress'),
    ['/exports/index.txt', '/exports/1.zip', 'persist', 'atRisk', 'persist'],
  )
})

test('GAEN: the state is saved before a request of a publication leaves', async () => {
  const { phone, done, until } = hosted()
  await runGaenEvent(phone, { type: 'install' }, NOON)
  await runGaenEvent(phone, { type: 'declare', code: '12345678' }, NOON)
  done.length = 0
  await runGaenEvent(phone, { type: 'consent', given: true }, NOON)
  await until(later(60))
  for (const path of ['/api/verify', '/api/certificate', '/v1/publish']) {
    assert.equal(done[done.indexOf(path) - 1], 'persist', path)
  }
  assert.equal(done.filter((each) => each === 'keysPublished').length, 1)
})

test('GAEN: a request without an answer becomes an event; a fault of the host itself is thrown', async () => {
  const silent = hosted(async () => undefined)
  await runGaenEvent(silent.phone, { type: 'install' }, NOON)
  await silent.until(later(4 * HOUR))
  assert.ok(silent.phone.state.download.failures > 0)
  const broken = hosted(async () => {
    throw new TypeError('a bug')
  })
  await runGaenEvent(broken.phone, { type: 'install' }, NOON)
  await assert.rejects(broken.until(later(4 * HOUR)), TypeError)
})

test('GAEN: who leaves has an empty log', async () => {
  const { phone, done } = hosted()
  await runGaenEvent(phone, { type: 'install' }, NOON)
  await runGaenEvent(phone, { type: 'heard', advertisement: new Person('other').advertisementAt(NOON) }, NOON)
  assert.equal((await phone.host.log.all()).length, 1)
  done.length = 0
  await runGaenEvent(phone, { type: 'leave' }, NOON)
  assert.deepEqual(done, ['left', 'persist'])
  assert.equal((await phone.host.log.all()).length, 0)
})

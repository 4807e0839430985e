// An item at which the work throws is set aside alone; the others of its window are applied (F12).
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { later } from '@vicinity/protocol'
import { type Crew, INLINE } from '../src/crew/crew.ts'
import type { LocateJob } from '../src/crew/work.ts'
import type { Deps } from '../src/deps.ts'
import { placeOfWindow, windowAt } from '../src/flows/pool.ts'
import { processContacts } from '../src/flows/process-contacts.ts'
import { SEALED_ITEM } from '../src/keys/sealed.ts'
import { StoreFailure } from '../src/store/failures.ts'
import {
  type BackEnd,
  backEnd,
  countRows,
  dump,
  exposuresOf,
  itemOf,
  NOON,
  type Phone,
  pass,
  registerPhone,
} from './fixture.ts'

const WINDOW = 6 * 3600
const ITEMS = 300

interface Scene {
  readonly server: BackEnd
  readonly phone: Phone
  /** As they lie in the store. */
  readonly sealed: readonly Uint8Array[]
}

async function setTheScene(t: TestContext, items = ITEMS): Promise<Scene> {
  const server = await backEnd(t, { parameters: { poolWindow: WINDOW } })
  const phone = await registerPhone(server, 'phone')
  const { deps, clock } = server
  const window = windowAt(deps.robert.parameters, clock.now)
  const item = itemOf(server, phone, NOON)
  const sealed = Array.from({ length: items }, () =>
    deps.keys.seal(deps.keys.intakeKey(window), placeOfWindow(window), item),
  )
  await deps.store.transaction(async (tx) => {
    for (const body of sealed) await tx.queueItem(window, deps.random(16), body)
  })
  pass(server, WINDOW)
  return { server, phone, sealed }
}

/** A crew that fails at a batch with any of these items, as often as told. */
function failingAt(
  poison: readonly Uint8Array[],
  times = Number.POSITIVE_INFINITY,
): Crew & { readonly jobs: () => number } {
  const names = new Set(poison.map((bytes) => Buffer.from(bytes).toString('hex')))
  let jobs = 0
  let left = times
  return {
    ...INLINE,
    jobs: () => jobs,
    async run(name, job) {
      if (name !== 'locate') return INLINE.run(name, job)
      jobs++
      const { sealed } = job as LocateJob
      for (let at = 0; at < sealed.length; at += SEALED_ITEM) {
        const found = names.has(Buffer.from(sealed.subarray(at, at + SEALED_ITEM)).toString('hex'))
        if (found && left-- > 0) throw new Error('a thread ended at work')
      }
      return INLINE.run(name, job)
    },
  }
}

const queued = ({ server }: Scene) => countRows(server.path, 'item_queue')
const applied = async ({ server, phone }: Scene) => (await exposuresOf(server, phone.id)).length / 4
const apply = ({ server }: Scene, changes: Partial<Deps>) =>
  processContacts({ ...server.deps, ...changes }, server.clock.now)

test('of a window some poisoned items are set aside alone, counted and erased; the others are applied once (F12)', async (t) => {
  const scene = await setTheScene(t)
  const poison = [0, 1, 150, 299].map((at) => scene.sealed[at]!)
  const crew = failingAt(poison)
  await apply(scene, { crew })
  assert.deepEqual([queued(scene), await applied(scene)], [0, ITEMS - poison.length])
  const { counts } = scene.server.deps
  assert.deepEqual([counts.get('item.poisoned'), counts.get('item.accepted')], [poison.length, ITEMS - poison.length])
  assert.ok(crew.jobs() < 120, `${crew.jobs()} jobs`)
})

test('an item that fails four times is judged at the fifth', async (t) => {
  const scene = await setTheScene(t, 1)
  await apply(scene, { crew: failingAt(scene.sealed, 4) })
  assert.deepEqual([queued(scene), await applied(scene)], [0, 1])
})

test('a crew that fails at everything poisons nothing: all items stay in the queue', async (t) => {
  const scene = await setTheScene(t)
  const before = dump(scene.server.path)
  const crew = failingAt(scene.sealed)
  await assert.rejects(apply(scene, { crew }), /the crew could not do its work/)
  assert.ok(crew.jobs() < 80, `${crew.jobs()} jobs`)
  assert.equal(dump(scene.server.path), before)
})

test('an item that is alone in its window waits for a day before it is set aside', async (t) => {
  const scene = await setTheScene(t, 1)
  const { server, sealed } = scene
  await assert.rejects(apply(scene, { crew: failingAt(sealed) }), /the crew could not do its work/)
  assert.equal(queued(scene), 1)
  server.clock.now = later(server.clock.now, 86_400 + WINDOW)
  await apply(scene, { crew: failingAt(sealed) })
  assert.deepEqual([queued(scene), await applied(scene)], [0, 0])
  assert.deepEqual(server.deps.keys.intakeWindows(), [])
})

test('a database that is down is no poison, and neither is a back-end that stops', async (t) => {
  const scene = await setTheScene(t)
  const before = dump(scene.server.path)
  const { store } = scene.server.deps
  let calls = 0
  const down = {
    ...store,
    transaction: ((run) =>
      ++calls > 2 ? Promise.reject(new StoreFailure('down')) : store.transaction(run)) as typeof store.transaction,
  }
  await assert.rejects(apply(scene, { store: down }), { name: 'StoreFailure' })
  assert.ok(calls < 6)
  const crew = failingAt(scene.sealed.slice(0, 3))
  await assert.rejects(apply(scene, { crew, stopping: AbortSignal.abort() }), /the crew could not do its work/)
  assert.equal(crew.jobs(), 1)
  assert.equal(dump(scene.server.path), before)
})

// Who does the cryptography of batches: this thread and threads beside it give the same, and whatever becomes of a thread, every item
// counts once.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { concat, drawBelow, later } from '@vicinity/protocol'
import {
  CONTACT_REFUSALS,
  decideContacts,
  FOREIGN,
  keyTable,
  LOCAL,
  locateContacts,
  SIZE,
  unpackExposures,
} from '@vicinity/protocol/robert'
import { type Crew, INLINE, slicesOf } from '../src/crew/crew.ts'
import { crewOf, threadCrew } from '../src/crew/threads.ts'
import { doWork, type LocateJob, rowsOf } from '../src/crew/work.ts'
import { DEFAULT_SETTINGS, type Deps } from '../src/deps.ts'
import { ALTERED, judgeContacts } from '../src/flows/judge-contacts.ts'
import { placeOfWindow, windowAt } from '../src/flows/pool.ts'
import { processContacts } from '../src/flows/process-contacts.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import { SEALED_ITEM } from '../src/keys/sealed.ts'
import {
  type BackEnd,
  backEnd,
  countRows,
  exposuresOf,
  itemOf,
  NOON,
  type Phone,
  pass,
  randomOf,
  registerPhone,
  TODAY,
} from './fixture.ts'

const DAY = 86_400
const PEER = 49
/** Enough for two slices. */
const MANY = 1100

function threads(t: TestContext, size: number): Crew {
  const crew = threadCrew(size)
  t.after(() => crew.close())
  return crew
}

const crews: Readonly<Record<string, (t: TestContext) => Crew>> = {
  'this thread': () => INLINE,
  'one thread': (t) => threads(t, 1),
  'two threads': (t) => threads(t, 2),
}

/** A back-end with phones, four days after they registered. */
async function start(t: TestContext) {
  const server = await backEnd(t, { settings: { peers: new Set([PEER]) }, parameters: { poolWindow: 0 } })
  const phones: Phone[] = []
  for (let k = 0; k < 5; k++) phones.push(await registerPhone(server, `phone ${k}`))
  for (let day = 0; day < 4; day++) await keepServerKeys(server.deps, pass(server, DAY))
  return { server, phones }
}

const withCrew = ({ deps, ...server }: BackEnd, crew: Crew): BackEnd => ({ ...server, deps: { ...deps, crew } })

const seal = ({ keys }: Deps, window: number, item: Uint8Array): Uint8Array =>
  keys.seal(keys.intakeKey(window), placeOfWindow(window), item)

const windowOf = ({ deps, clock }: BackEnd): number => windowAt(deps.robert.parameters, clock.now)

async function queue({ deps, clock }: BackEnd, items: readonly Uint8Array[]): Promise<void> {
  const window = windowAt(deps.robert.parameters, clock.now)
  await deps.store.transaction(async (tx) => {
    for (const item of items) await tx.queueItem(window, deps.random(16), seal(deps, window, item))
  })
}

const random = randomOf('crew')

const turned = (item: Uint8Array, at: number): Uint8Array =>
  item.map((byte, k) => (k === at ? byte ^ (1 << drawBelow(random, 8)) : byte))

/** What may be wrong with an item, or nothing. */
const KINDS: readonly ((item: Uint8Array) => Uint8Array)[] = [
  (item) => item,
  (item) => item.map((byte, k) => (k === 0 ? byte ^ DEFAULT_SETTINGS.countryCode ^ PEER : byte)),
  () => random(SIZE.item),
  // The EBID, the MAC, the last byte of the time of reception, its first: of years ago.
  (item) => turned(item, 3),
  (item) => turned(item, 13),
  (item) => turned(item, 19),
  (item) => turned(item, 16),
]

/** Items of four days, of every kind in turn. */
const mixedItems = (server: BackEnd, phones: readonly Phone[], count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, k) => {
    const emitted = later(NOON, 60 + drawBelow(random, 4 * DAY - 60))
    return KINDS[k % KINDS.length]!(itemOf(server, phones[k % phones.length]!, emitted))
  })

/** What the functions of the protocol say of a batch in one piece, with the keys of the back-end itself. */
async function plainly({ deps, clock }: BackEnd, items: readonly Uint8Array[], phones: readonly Phone[]) {
  const keys = keyTable(new Map(phones.map(({ id, keys: { authenticationKey } }) => [id, authenticationKey])))
  const located = locateContacts(concat(...items), deps.robert, clock.now)
  return decideContacts(located, keys, deps.robert, clock.now)
}

for (const [name, make] of Object.entries(crews)) {
  test(`${name}: verdicts of a batch are those of the protocol in one piece, bit for bit (ROBERT §6.2)`, async (t) => {
    const { server, phones } = await start(t)
    const { deps, clock } = withCrew(server, make(t))
    const window = windowOf(server)
    for (const count of [1, 7, MANY]) {
      const items = mixedItems(server, phones, count)
      const sealed = items.map((item) => seal(deps, window, item))
      const judged = await judgeContacts(deps, window, sealed, clock.now)
      const { routes, ids, exposures } = await plainly(server, items, phones)
      assert.deepEqual(judged, { routes, ids, exposures })
      if (count < MANY) continue
      const seen = new Set(routes)
      const { helloTooFarFromTime, noServerKey, unknownId, macInvalid } = CONTACT_REFUSALS
      for (const route of [LOCAL, FOREIGN, helloTooFarFromTime, noServerKey, unknownId, macInvalid]) {
        assert.ok(seen.has(route), `${route}`)
      }
    }
  })

  test(`${name}: what was altered in the store stands in its place, and counts once (F18)`, async (t) => {
    const { server, phones } = await start(t)
    const { deps, clock } = withCrew(server, make(t))
    const window = windowOf(server)
    const items = mixedItems(server, phones, MANY)
    const altered = new Set([0, 511, 600, MANY - 1])
    const sealed = items.map((item, k) =>
      altered.has(k) ? random(k === 600 ? 10 : SEALED_ITEM) : seal(deps, window, item),
    )
    const [one] = phones
    await deps.store.transaction(async (tx) => {
      await tx.removeUsers([one!.id])
      await tx.addUser({ id: one!.id, authenticationKey: random(60), encryptionKey: random(60) })
    })
    const judged = await judgeContacts(deps, window, sealed, clock.now)
    const { routes } = await plainly(server, items, phones.slice(1))
    assert.deepEqual(
      judged.routes,
      routes.map((route, k) => (altered.has(k) ? ALTERED : route)),
    )
    assert.equal(deps.counts.get('store.userAltered'), 1)
  })

  test(`${name}: work that throws is told, and the next job is done`, async (t) => {
    const { server, phones } = await start(t)
    const crew = make(t)
    const { deps, clock } = withCrew(server, crew)
    const window = windowOf(server)
    const sealed = [seal(deps, window, itemOf(server, phones[0]!, clock.now))]
    for (let k = 0; k < 3; k++) {
      await assert.rejects(crew.run('locate', { secrets: random(64) } as LocateJob))
      assert.deepEqual([...(await judgeContacts(deps, window, sealed, clock.now)).routes], [LOCAL])
    }
  })
}

test('a job erases its keys, also when it throws; a thread is given the only copy of them', async (t) => {
  const { server, phones } = await start(t)
  const { deps, clock } = server
  const window = windowOf(server)
  const jobs: { readonly name: string; readonly secrets: Uint8Array }[] = []
  const watched = (crew: Crew): Crew => ({
    ...crew,
    run: (name, job) => {
      assert.ok(job.secrets.some((byte) => byte !== 0))
      jobs.push({ name, secrets: job.secrets })
      return crew.run(name, job)
    },
  })
  const sealed = [seal(deps, window, itemOf(server, phones[0]!, clock.now))]
  await judgeContacts({ ...deps, crew: watched(INLINE) }, window, sealed, clock.now)
  assert.deepEqual(
    jobs.map(({ name }) => name),
    ['locate', 'decide'],
  )
  assert.ok(jobs.every(({ secrets }) => secrets.every((byte) => byte === 0)))
  const secrets = random(88)
  assert.throws(() => doWork('locate', { secrets, sealed: new Uint8Array(SEALED_ITEM) } as LocateJob))
  assert.ok(secrets.every((byte) => byte === 0))
  jobs.length = 0
  await judgeContacts({ ...deps, crew: watched(threads(t, 1)) }, window, sealed, clock.now)
  assert.deepEqual(
    jobs.map((job) => job.secrets.buffer.byteLength),
    [0, 0],
  )
  // The keys of the back-end itself are still there.
  assert.deepEqual([...(await judgeContacts(deps, window, sealed, clock.now)).routes], [LOCAL])
})

test('a job carries the server keys that there are, and none that was destroyed', async (t) => {
  const { server } = await start(t)
  const { keys } = server.deps
  const before = keys.contactSecrets(new Uint8Array(32))
  assert.equal(before.secrets.length, 2 * SIZE.key + SIZE.serverKey * before.days.length)
  keys.keepServerKeys(TODAY + 2, TODAY + 2, TODAY + 2)
  const { days, secrets } = keys.contactSecrets(new Uint8Array(32))
  assert.deepEqual(
    days,
    before.days.filter((day) => day >= TODAY + 2),
  )
  assert.deepEqual(secrets.subarray(-SIZE.serverKey), before.secrets.subarray(-SIZE.serverKey))
})

test('a thread that ends at work: what it had is done by another, once; without a crew all stays in the queue (I1, I2, F12)', async (t) => {
  const { server, phones } = await start(t)
  const items = mixedItems(server, phones, MANY)
  const { routes } = await plainly(server, items, phones)
  const expected = routes.filter((route) => route === LOCAL).length
  const crew = threads(t, 2)
  for (const [turn, broken] of ['locate', 'decide'].entries()) {
    // Of two slices one is done and one ends its thread.
    let left = 1
    const breaking: Crew = {
      ...crew,
      run: (name, job) => crew.run(name, name === broken && left-- > 0 ? { ...job, context: undefined as never } : job),
    }
    await queue(server, items)
    const { deps, clock } = withCrew(server, breaking)
    await processContacts(deps, clock.now)
    assert.ok(left < 0)
    assert.deepEqual(
      [deps.counts.get('item.accepted'), deps.counts.get('item.poisoned')],
      [expected * (turn + 1), undefined],
    )
    assert.equal(countRows(server.path, 'item_queue'), 0)
  }
  await queue(server, items)
  const closed = threadCrew(2)
  const killed = withCrew(server, {
    ...closed,
    run: async (name, job) => {
      const working = closed.run(name, job)
      if (name === 'decide') await Promise.all([closed.close(), assert.rejects(working)])
      return working
    },
  })
  await assert.rejects(processContacts(killed.deps, killed.clock.now), /the crew could not do its work/)
  assert.equal(countRows(server.path, 'item_queue'), MANY)
  const { deps, clock } = withCrew(server, crew)
  await processContacts(deps, clock.now)
  const applied = await Promise.all(phones.map(async ({ id }) => unpackExposures(await exposuresOf(server, id)).length))
  assert.deepEqual([applied.reduce((sum, n) => sum + n), countRows(server.path, 'item_queue')], [3 * expected, 0])
  assert.equal(deps.counts.get('item.accepted'), 3 * expected)
})

test('while the crew works no transaction is held, and what another run claims meanwhile is left to it (D3)', async (t) => {
  const { server, phones } = await start(t)
  const items = Array.from({ length: 9 }, (_, k) => itemOf(server, phones[0]!, later(NOON, 1000 * k)))
  await queue(server, items)
  const window = windowOf(server)
  const { store } = server.deps
  const slow: Crew = {
    ...INLINE,
    run: async (name, job) => {
      if (name === 'decide') {
        // Would wait for ever inside of a transaction.
        await store.transaction(async (tx) => {
          const [first, second] = await tx.queuedItems(window, 2)
          await tx.claimItems(window, [first!.rowId, second!.rowId])
        })
      }
      return INLINE.run(name, job)
    },
  }
  const { deps, clock } = withCrew(server, slow)
  await processContacts(deps, clock.now)
  assert.equal(unpackExposures(await exposuresOf(server, phones[0]!.id)).length, 7)
  assert.equal(deps.counts.get('item.accepted'), 7)
  assert.equal(countRows(server.path, 'item_queue'), 0)
})

test('a batch is cut into as many parts as are worked on at once, none small, in their order', () => {
  const batch = Array.from({ length: 4096 }, (_, k) => k)
  for (const [size, count, parts] of [
    [1, 4096, 1],
    [3, 4096, 3],
    [63, 4096, 8],
    [2, 1023, 1],
    [2, 1024, 2],
    [4, 0, 1],
  ] as const) {
    const slices = slicesOf({ ...INLINE, size }, batch.slice(0, count))
    assert.deepEqual(slices.flat(), batch.slice(0, count))
    assert.equal(slices.length, parts)
    assert.ok(slices.length === 1 || slices.every((slice) => slice.length >= 512))
  }
  assert.equal(crewOf(0), INLINE)
  assert.equal(rowsOf(2, [Uint8Array.of(1, 2), Uint8Array.of(3), Uint8Array.of(4, 5)]).join(), '1,2,0,0,4,5')
})

test('a closed crew takes no job, and the process can end', async () => {
  const url = new URL('../src/crew/threads.ts', import.meta.url)
  const script = `
    const crew = (await import(${JSON.stringify(url.href)})).threadCrew(2)
    const failed = await Promise.allSettled([crew.run('locate', { secrets: new Uint8Array(1) }), crew.run('decide', {})])
    const working = crew.run('locate', { secrets: new Uint8Array(1) }).catch(() => {})
    await crew.close()
    await working
    await crew.run('locate', {}).catch(({ message }) => console.log(failed.length, message))`
  const child = spawn(process.execPath, ['--conditions=@vicinity/source', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  assert.deepEqual(await once(child, 'close'), [0, null])
  assert.equal(said.trim(), '2 the crew has gone home')
})

import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { concat, DAY_SECONDS, type Epoch, epochAt, later, ntpOf, type UnixSeconds } from '@vicinity/protocol'
import {
  buildHello,
  CONTACT_REFUSALS,
  type ContactRefusal,
  LOCAL,
  makeEbids,
  makeList,
  packItem,
  SPEC,
  unpackExposures,
} from '@vicinity/protocol/robert'
import { ALTERED, judgeContacts } from '../src/flows/judge-contacts.ts'
import { placeOfWindow, windowAt } from '../src/flows/pool.ts'
import { processContacts } from '../src/flows/process-contacts.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import {
  type BackEnd,
  backEnd,
  countRows,
  dump,
  exposuresOf,
  itemOf,
  NOON,
  type Phone,
  pairAt,
  pass,
  randomOf,
  registerPhone,
  TODAY,
} from './fixture.ts'

const DAY = 86_400
const WINDOW = 6 * 3600
/** Seconds after a window in which a late commit is still waited for. */
const GRACE = 120

async function start(t: TestContext, options: Parameters<typeof backEnd>[1] = {}) {
  const server = await backEnd(t, { ...options, parameters: { poolWindow: 0, ...options.parameters } })
  const phone = await registerPhone(server, 'phone')
  return { server, phone }
}

/** Puts items into the queue of the window of now, as an upload does. */
async function queue({ deps, clock }: BackEnd, ...items: readonly Uint8Array[]): Promise<number> {
  const window = windowAt(deps.robert.parameters, clock.now)
  const key = deps.keys.intakeKey(window)
  await deps.store.transaction(async (tx) => {
    for (const item of items)
      await tx.queueItem(window, deps.random(16), deps.keys.seal(key, placeOfWindow(window), item))
  })
  return window
}

const apply = (server: BackEnd) => processContacts(server.deps, server.clock.now)
const exposed = async (server: BackEnd, phone: Phone) => unpackExposures(await exposuresOf(server, phone.id))
const counted = ({ deps }: BackEnd, what: string) => deps.counts.get(what) ?? 0

/** An item with parts of one's choice, with a valid MAC. */
function forged(phone: Phone, pair: Uint8Array, emitted: UnixSeconds, received = emitted): Uint8Array {
  return packItem(buildHello(phone.keys.authenticationKey, pair, ntpOf(emitted)), ntpOf(received), 0)
}

interface Refused {
  readonly reason: ContactRefusal
  /** How long after the registration. */
  readonly days?: number
  readonly what: string
  readonly item: (server: BackEnd, phone: Phone) => Uint8Array
}

const epochOf = (server: BackEnd, at: UnixSeconds): Epoch => epochAt(server.deps.calendar, at)
const pairOf = ({ deps }: BackEnd, phone: Phone, epoch: number) =>
  makeList(deps.robert, phone.id, epoch as Epoch, 1).pairs
const early = later(NOON, 60)

const REFUSALS: readonly Refused[] = [
  {
    reason: 'helloTooFarFromTime',
    what: 'heard twelve seconds after the time it says',
    item: (server, phone) => itemOf(server, phone, early, later(early, 12)),
  },
  {
    reason: 'helloTooFarFromTime',
    what: 'heard before it was sent',
    item: (server, phone) => itemOf(server, phone, early, later(early, -12)),
  },
  {
    reason: 'noServerKey',
    what: 'of a day whose server key is gone',
    item: (server, phone) => forged(phone, pairAt(server, phone, early), later(early, -20 * DAY)),
  },
  {
    reason: 'unknownId',
    what: 'of an identifier that nobody has',
    item: ({ deps }, phone) => {
      const ebid = makeEbids(deps.keys.serverKeyOf(TODAY)!, (phone.id + 1) % 2 ** 40, epochAt(deps.calendar, early), 1)
      const ecc = deps.robert.federation(ebid)[0]! ^ deps.settings.countryCode
      return forged(phone, concat(ebid, Uint8Array.of(ecc)), early)
    },
  },
  {
    reason: 'epochMismatch',
    what: 'broadcast two epochs after its own',
    item: (server, phone) => forged(phone, pairOf(server, phone, epochOf(server, early) - 2), early),
  },
  {
    reason: 'unknownId',
    what: 'replayed 65,536 s later, when its time fits again, but its server key is not tried any more (T-26)',
    item: (server, phone) => itemOf(server, phone, early, later(early, 65_536)),
  },
  {
    reason: 'epochMismatch',
    what: 'replayed 65,536 s later, when its time fits again, near midnight, where both server keys are tried (T-26)',
    item: (server, phone) => {
      const at = later(NOON, -6 * 3600)
      return forged(phone, pairOf(server, phone, epochOf(server, at)), at, later(at, 65_536))
    },
  },
  {
    reason: 'macInvalid',
    what: 'with one bit of the MAC turned (T-25, T-28)',
    item: (server, phone) => itemOf(server, phone, early).map((byte, at) => (at === 15 ? byte ^ 1 : byte)),
  },
  {
    reason: 'macInvalid',
    what: 'with the HELLO of another phone',
    item: (server, phone) =>
      itemOf(server, { ...phone, keys: { ...phone.keys, authenticationKey: randomOf('x')(32) } }, early),
  },
  {
    reason: 'outsideContagiousPeriod',
    days: 15,
    what: 'of an epoch that is CT old',
    item: (server, phone) => {
      const at = later(server.clock.now, -14 * DAY)
      return forged(phone, pairOf(server, phone, epochOf(server, at)), at)
    },
  },
]

test('every step of ROBERT §6.2 refuses in silence: counted by name, no row, the item erased (step 10)', async (t) => {
  for (const { reason, days = 0, what, item } of REFUSALS) {
    await t.test(`ROBERT §6.2 step ${CONTACT_REFUSALS[reason]}: ${what}`, async () => {
      const { server, phone } = await start(t, { at: NOON })
      for (let day = 0; day < days; day++) await keepServerKeys(server.deps, pass(server, DAY))
      await queue(server, item(server, phone))
      pass(server, 3600)
      await apply(server)
      assert.equal(counted(server, `item.refused.${CONTACT_REFUSALS[reason]}.${reason}`), 1)
      assert.deepEqual([countRows(server.path, 'item_queue'), countRows(server.path, 'exposure')], [0, 0])
    })
  }
})

test('ROBERT §6.2 step 9: an item becomes epoch, slot and weight, and nothing else of it is kept', async (t) => {
  const { server, phone } = await start(t)
  await queue(server, itemOf(server, phone, later(NOON, 301)))
  pass(server, 900)
  await apply(server)
  const epoch = epochOf(server, NOON)
  assert.deepEqual(await exposed(server, phone), [{ epoch, slot: 1, weight: 50 }])
  assert.equal(counted(server, 'item.accepted'), 1)
})

test('nothing is applied before its pool window is over, then all of it at once (T-39)', async (t) => {
  const { server, phone } = await start(t, { parameters: { poolWindow: WINDOW } })
  for (const minutes of [1, 2, 3]) {
    server.clock.now = later(NOON, 60 * minutes)
    await queue(server, itemOf(server, phone, server.clock.now))
  }
  server.clock.now = later(NOON, WINDOW - 1)
  const before = dump(server.path)
  await apply(server)
  assert.equal(dump(server.path), before)
  pass(server, 1)
  await apply(server)
  assert.deepEqual([(await exposed(server, phone)).length, countRows(server.path, 'item_queue')], [3, 0])
})

test('a pool window of 0 applies items at once', async (t) => {
  const { server, phone } = await start(t)
  await queue(server, itemOf(server, phone, NOON))
  await apply(server)
  assert.equal((await exposed(server, phone)).length, 1)
})

test('around midnight the server key of the epoch is found by either neighbour (ROBERT §6.2 step 4, footnote 13, T-47)', async (t) => {
  const midnight = later(NOON, DAY / 2)
  const { server, phone } = await start(t, { at: later(midnight, -3600) })
  const moments: (readonly [emitted: number, received: number, of: number])[] = [
    [-1, -1, -1],
    [-1, 0, -1],
    [-3, 8, -1],
    [0, 0, 0],
    [2, 2, -1],
    [0, -1, 0],
    [899, 899, -1],
    [-900, -900, 0],
  ]
  const items = moments.map(([emitted, received, of]) => {
    const pair = pairAt(server, phone, later(midnight, of))
    return forged(phone, pair, later(midnight, emitted), later(midnight, received))
  })
  await keepServerKeys(server.deps, pass(server, 5400))
  await queue(server, ...items)
  await apply(server)
  assert.equal(counted(server, 'item.accepted'), moments.length)
  const last = epochOf(server, midnight) - 1
  const epochs = (await exposed(server, phone)).map(({ epoch }) => epoch - last)
  assert.deepEqual(epochs.sort(), moments.map(([, , of]) => of + 1).sort())
})

test('an item of a federated country is not judged here; all 256 country codes end somewhere (ROBERT §6.2 step 3, T-29)', async (t) => {
  const { server, phone } = await start(t, { settings: { peers: new Set([49, 39]) } })
  const item = itemOf(server, phone, NOON)
  await queue(server, ...Array.from({ length: 256 }, (_, ecc) => concat(Uint8Array.of(ecc), item.subarray(1))))
  await apply(server)
  assert.deepEqual([counted(server, 'item.accepted'), counted(server, 'item.foreign')], [1, 2])
  assert.equal(counted(server, 'item.refused.8.macInvalid'), 253)
  assert.equal((await exposed(server, phone)).length, 1)
})

test('more items than one transaction takes are all applied, each once', async (t) => {
  const { server, phone } = await start(t)
  const item = itemOf(server, phone, NOON)
  await queue(server, ...Array.from({ length: 4096 + 5 }, () => item))
  await apply(server)
  assert.deepEqual([counted(server, 'item.accepted'), countRows(server.path, 'item_queue')], [4101, 0])
  assert.equal((await exposed(server, phone)).length, 4101)
})

test('a batch that cannot be written ends its window for now: what else was under way is applied, the rest waits for the next run', async (t) => {
  const { server, phone } = await start(t)
  const item = itemOf(server, phone, NOON)
  await queue(server, ...Array.from({ length: 3 * 4096 + 5 }, () => item))
  const { store } = server.deps
  let attempts = 0
  const failing: typeof store.transaction = (run) =>
    store.transaction((tx) => {
      const appendExposures: typeof tx.appendExposures = async (rows) => {
        if (++attempts === 1) throw new Error('the disk is full')
        await tx.appendExposures(rows)
      }
      return run({ ...tx, appendExposures })
    })
  const broken = { ...server.deps, store: { ...store, transaction: failing } }
  await assert.rejects(processContacts(broken, server.clock.now), /the disk is full/)
  assert.equal(attempts, 2)
  assert.deepEqual([counted(server, 'item.accepted'), countRows(server.path, 'item_queue')], [4096, 2 * 4096 + 5])
  await apply(server)
  assert.deepEqual([counted(server, 'item.accepted'), countRows(server.path, 'item_queue')], [3 * 4096 + 5, 0])
  assert.equal((await exposed(server, phone)).length, 3 * 4096 + 5)
})

test('the tolerance of an item is that of the profile: an inclusive one takes twelve seconds (ROBERT §6.2 step 2)', async (t) => {
  for (const [inclusiveTolerance, accepted] of [
    [true, 1],
    [false, 0],
  ] as const) {
    const { server, phone } = await start(t, { settings: { profile: { ...SPEC, inclusiveTolerance } } })
    await queue(server, itemOf(server, phone, early, later(early, 12)))
    pass(server, 900)
    await apply(server)
    assert.equal((await exposed(server, phone)).length, accepted)
  }
})

test('of a batch cut in two, a half of which nothing opens stands in its place and does not hold up the other (F12, F18)', async (t) => {
  const { server, phone } = await start(t)
  const { deps, clock } = server
  const window = windowAt(deps.robert.parameters, clock.now)
  const key = deps.keys.intakeKey(window)
  const good = deps.keys.seal(key, placeOfWindow(window), itemOf(server, phone, NOON))
  const half = Array.from({ length: 600 }, () => good)
  const altered = half.map(() => randomOf('row')(good.length))
  const halves = { ...deps, crew: { ...deps.crew, size: 2 } }
  for (const [sealed, accepted] of [
    [
      [...half, ...altered],
      [LOCAL, ALTERED],
    ],
    [
      [...altered, ...half],
      [ALTERED, LOCAL],
    ],
  ] as const) {
    const { routes, ids } = await judgeContacts(halves, window, sealed, clock.now)
    assert.deepEqual([...routes], [...half.map(() => accepted[0]), ...half.map(() => accepted[1])])
    const found = [...routes].map((route) => (route === LOCAL ? phone.id : -1))
    assert.deepEqual([...ids], found)
  }
  await assert.rejects(judgeContacts(halves, window, [...altered, ...altered], clock.now), /no item of a window opens/)
})

test('two runs at the same time apply every item once (D3)', async (t) => {
  const { server, phone } = await start(t)
  await queue(server, ...Array.from({ length: 50 }, () => itemOf(server, phone, NOON)))
  await Promise.all([apply(server), apply(server)])
  assert.equal((await exposed(server, phone)).length, 50)
})

test('an intake key is destroyed when its window and the time for late commits are over (ROBERT §6.2 step 10, I3)', async (t) => {
  const keyFiles = memoryKeys()
  const { server, phone } = await start(t, { keyFiles, parameters: { poolWindow: WINDOW } })
  const window = await queue(server, itemOf(server, phone, NOON))
  const key = server.deps.keys.knownIntakeKey(window)
  server.clock.now = later(NOON, WINDOW + GRACE - 1)
  await apply(server)
  assert.equal((await exposed(server, phone)).length, 1)
  assert.ok(keyFiles.names().includes(`intake-${window}`))
  pass(server, 1)
  await apply(server)
  assert.ok(!keyFiles.names().includes(`intake-${window}`))
  assert.ok(key.every((byte) => byte === 0))
  assert.throws(() => server.deps.keys.knownIntakeKey(window), /an intake key is missing/)
})

test('an item that was altered goes and is counted; the others of its window are applied (F12, F18)', async (t) => {
  const { server, phone } = await start(t, { parameters: { poolWindow: WINDOW } })
  const window = await queue(server, itemOf(server, phone, NOON))
  await server.deps.store.transaction((tx) => tx.queueItem(window, new Uint8Array(16), randomOf('row')(49)))
  pass(server, 3 * WINDOW)
  await apply(server)
  assert.equal((await exposed(server, phone)).length, 1)
  assert.equal(server.deps.counts.get('store.itemAltered'), 1)
  assert.deepEqual(await server.deps.store.transaction((tx) => tx.queuedWindows()), [])
})

test('a user whose key was altered is nobody: her item is refused, the others of the window are applied (F18)', async (t) => {
  const { server, phone } = await start(t)
  const other = await registerPhone(server, 'other')
  await queue(server, itemOf(server, phone, NOON))
  await queue(server, itemOf(server, other, NOON))
  const database = new DatabaseSync(server.path)
  database.prepare('update user_key set authentication_key = ? where id = ?').run(randomOf('altered')(60), phone.id)
  database.close()
  await apply(server)
  assert.equal((await exposed(server, other)).length, 1)
  assert.equal(server.deps.counts.get('store.userAltered'), 1)
  assert.deepEqual(await server.deps.store.transaction((tx) => tx.queuedWindows()), [])
})

test('a key that opens nothing is the wrong one: the items stay in the queue, whatever the time', async (t) => {
  const { server, phone } = await start(t, { parameters: { poolWindow: WINDOW } })
  const window = await queue(server, itemOf(server, phone, NOON))
  server.deps.keys.destroyIntakeKey(window)
  server.deps.keys.intakeKey(window)
  pass(server, 3 * WINDOW)
  const before = dump(server.path)
  await assert.rejects(apply(server), /no item of a window opens/)
  assert.equal(dump(server.path), before)
  assert.ok(server.deps.keys.intakeWindows().includes(window))
})

test('without its intake key a window stays in the queue and does not hold up the others', async (t) => {
  const { server, phone } = await start(t, { parameters: { poolWindow: WINDOW } })
  const lost = await queue(server, itemOf(server, phone, NOON))
  server.deps.keys.destroyIntakeKey(lost)
  const next = pass(server, WINDOW)
  const readable = await queue(server, itemOf(server, phone, next))
  pass(server, 2 * WINDOW)
  await assert.rejects(apply(server), /an intake key is missing/)
  assert.equal((await exposed(server, phone)).length, 1)
  assert.deepEqual(await server.deps.store.transaction((tx) => tx.queuedWindows()), [lost])
  assert.ok(!server.deps.keys.intakeWindows().includes(readable))
})

test('a window whose key is gone for a day is dropped and counted: its items came back with a backup (D10, F19)', async (t) => {
  const { server, phone } = await start(t, { parameters: { poolWindow: WINDOW } })
  const lost = await queue(server, itemOf(server, phone, NOON))
  server.deps.keys.destroyIntakeKey(lost)
  server.clock.now = later(NOON, WINDOW + GRACE + DAY_SECONDS - 1)
  await assert.rejects(apply(server), /an intake key is missing/)
  pass(server, 1)
  await apply(server)
  assert.deepEqual(await server.deps.store.transaction((tx) => tx.queuedWindows()), [])
  assert.equal(server.deps.counts.get('item.unreadable'), 1)
  assert.equal(server.deps.counts.get('item.accepted'), undefined)
})

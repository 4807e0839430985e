// What every engine must hold of uploaded items and their tokens.
import assert from 'node:assert/strict'
import { type Epoch, toHex, type UtcDay } from '@vicinity/protocol'
import { packExposure } from '@vicinity/protocol/robert'
import { NOBODY, NOTHING_SPENT, type Store, type Transaction } from '../src/store/store.ts'
import { randomOf } from './fixture.ts'

type Check = (store: Store) => Promise<void>

const random = randomOf('uploads contract')
const day = (n: number): UtcDay => n as UtcDay
const exposure = packExposure({ epoch: 1 as Epoch, slot: 0, weight: 50 })

/** Runs in one transaction that is then given up. */
async function giveUp(store: Store, run: (tx: Transaction) => Promise<unknown>): Promise<void> {
  const failing = store.transaction(async (tx) => {
    await run(tx)
    throw new Error('given up')
  })
  await assert.rejects(failing, /given up/)
}

const spend = (store: Store, n: number, spentKey: Uint8Array) =>
  store.transaction(async (tx) => (await tx.spendTokens([{ day: day(n), spentKey }]))[0])

const claim = (store: Store, window: number, ...items: readonly { readonly rowId: Uint8Array }[]) =>
  store.transaction((tx) =>
    tx.claimItems(
      window,
      items.map(({ rowId }) => rowId),
    ),
  )

export const uploads: Record<string, Check> = {
  'a token is spent once under 64 parallel attempts (T-31)': async (store) => {
    const key = random(16)
    const attempts = Array.from({ length: 64 }, () => spend(store, 20, key))
    assert.equal((await Promise.all(attempts)).filter(Boolean).length, 1)
    assert.equal(await spend(store, 21, key), true)
  },
  'of a batch of tokens each is spent once: of equal ones the first, of those spent before none, nothing never': async (
    store,
  ) => {
    const [a, b, c] = [random(16), random(16), random(16)]
    assert.equal(await spend(store, 5, b), true)
    const batch = [
      [4, b],
      [5, a],
      [5, b],
      [5, a],
      [-1, a],
      [5, c],
      [5, c],
    ] as const
    const tokens = batch.map(([n, spentKey]) => ({ day: day(n), spentKey }))
    const spent = (of: typeof tokens) => store.transaction((tx) => tx.spendTokens(of))
    const nothing = [NOTHING_SPENT, NOTHING_SPENT]
    assert.deepEqual(
      [await spent([...tokens, ...nothing]), await spent(tokens), await spent(nothing), await spent([])],
      [[true, true, false, false, false, true, false, false, false], tokens.map(() => false), [false, false], []],
    )
  },
  'batches of the same tokens in any order, at once: each token is spent once': async (store) => {
    const tokens = Array.from({ length: 40 }, () => ({ day: day(3), spentKey: random(16) }))
    const orders = [tokens, tokens.toReversed(), tokens.toSorted((a, b) => Buffer.compare(a.spentKey, b.spentKey))]
    const won = await Promise.all(orders.map((order) => store.transaction((tx) => tx.spendTokens(order))))
    assert.equal(won.flat().filter(Boolean).length, tokens.length)
  },
  'tokens of earlier days are forgotten, those of the day itself stay': async (store) => {
    const key = random(16)
    for (const n of [19, 20, 21]) await spend(store, n, key)
    await store.transaction((tx) => tx.forgetTokens(day(20)))
    assert.deepEqual(
      [await spend(store, 19, key), await spend(store, 20, key), await spend(store, 21, key)],
      [true, false, false],
    )
  },
  'items leave their window in the order of their row ids, whatever order they came in': async (store) => {
    const rows = Array.from({ length: 50 }, () => ({ rowId: random(16), body: random(49) }))
    for (const row of rows) await store.transaction((tx) => tx.queueItem(3, row.rowId, row.body))
    await store.transaction((tx) => tx.queueItem(2, random(16), random(49)))
    assert.deepEqual(await store.transaction((tx) => tx.queuedWindows()), [2, 3])
    const expected = rows.toSorted((a, b) => Buffer.compare(a.rowId, b.rowId)).map((row) => toHex(row.body))
    const claimed: string[] = []
    for (let page = -1; page !== 0; ) {
      const items = await store.transaction((tx) => tx.queuedItems(3, 16))
      const taken = await claim(store, 3, ...items)
      claimed.push(...items.filter((_, k) => taken[k]).map(({ body }) => toHex(body)))
      page = items.length
    }
    assert.deepEqual(claimed, expected)
    assert.deepEqual(await store.transaction((tx) => tx.queuedWindows()), [2])
  },
  'items above a row id come page after page, each once, though none was claimed': async (store) => {
    const rows = Array.from({ length: 50 }, () => ({ rowId: random(16), body: random(49) }))
    await store.transaction((tx) => Promise.all(rows.map(({ rowId, body }) => tx.queueItem(3, rowId, body))))
    const expected = rows.toSorted((a, b) => Buffer.compare(a.rowId, b.rowId)).map(({ body }) => toHex(body))
    const seen: string[] = []
    for (let after: Uint8Array | undefined; seen.length < 50; ) {
      const items = await store.transaction((tx) => tx.queuedItems(3, 16, after))
      assert.ok(items.length > 0)
      seen.push(...items.map(({ body }) => toHex(body)))
      after = items.at(-1)!.rowId
    }
    assert.deepEqual(seen, expected)
  },
  'the state of the queue: its oldest window, how many items wait up to a thousand, about how many beyond': async (
    store,
  ) => {
    const state = () => store.transaction((tx) => tx.queueState())
    const fill = (window: number, count: number) =>
      store.transaction(async (tx) => {
        await Promise.all(Array.from({ length: count }, () => tx.queueItem(window, random(16), random(49))))
      })
    assert.deepEqual(await state(), { items: 0, oldestWindow: undefined })
    await fill(8, 3)
    await fill(7, 700)
    assert.deepEqual(await state(), { items: 703, oldestWindow: 7 })
    await fill(7, 11_300)
    const near = async (expected: number) => {
      const { items, oldestWindow } = await state()
      assert.ok(Math.abs(items - expected) < expected / 5, `${items} for ${expected}`)
      assert.equal(oldestWindow, 7)
    }
    await near(12_003)
    // Items leave in the order of their ids: what is left lies as close as before, in less room.
    const first = await store.transaction((tx) => tx.queuedItems(7, 6000))
    await claim(store, 7, ...first)
    await near(6003)
  },
  'an empty queue has no windows and nothing to claim': async (store) => {
    assert.deepEqual(await store.transaction((tx) => tx.queuedWindows()), [])
    assert.deepEqual(await store.transaction((tx) => tx.queuedItems(0, 10)), [])
    assert.deepEqual(await claim(store, 0), [])
  },
  'an item is claimed once, by its window and its row, and stays where it is until then (D3)': async (store) => {
    const rows = Array.from({ length: 4 }, () => ({ rowId: random(16), body: random(49) }))
    const sorted = rows.toSorted((a, b) => Buffer.compare(a.rowId, b.rowId))
    for (const { rowId, body } of rows) await store.transaction((tx) => tx.queueItem(1, rowId, body))
    await store.transaction((tx) => tx.queueItem(2, rows[0]!.rowId, random(49)))
    const seen = () => store.transaction((tx) => tx.queuedItems(1, 9))
    assert.deepEqual(await seen(), await seen())
    const [first, ...others] = sorted
    assert.deepEqual(await claim(store, 1, first!), [true])
    assert.deepEqual(await claim(store, 1, others[1]!, first!, { rowId: random(16) }, others[0]!), [
      ...[true, false, false, true],
    ])
    assert.deepEqual(
      (await seen()).map(({ body }) => toHex(body)),
      [toHex(others[2]!.body)],
    )
    assert.equal((await store.transaction((tx) => tx.queuedItems(2, 9))).length, 1)
    const attempts = await Promise.all(Array.from({ length: 16 }, () => claim(store, 1, others[2]!)))
    assert.equal(attempts.flat().filter(Boolean).length, 1)
  },
  'a rollback puts claimed items back and takes their effect away (D3)': async (store) => {
    const [rowId, body] = [random(16), random(49)]
    await store.transaction((tx) => tx.addUser({ id: 1, authenticationKey: random(60), encryptionKey: random(60) }))
    await store.transaction((tx) => tx.queueItem(0, rowId, body))
    await giveUp(store, async (tx) => {
      assert.deepEqual(await tx.claimItems(0, [rowId]), [true])
      await tx.appendExposures([{ id: 1, exposures: exposure }])
    })
    assert.deepEqual(await store.transaction((tx) => tx.exposuresAfter(NOBODY, 10)), [])
    const items = await store.transaction((tx) => tx.queuedItems(0, 10))
    assert.deepEqual(
      items.map((item) => toHex(item.body)),
      [toHex(body)],
    )
  },
  'a rollback gives the token back with the item that it queued (D2)': async (store) => {
    const key = random(16)
    await giveUp(store, async (tx) => {
      assert.deepEqual(await tx.spendTokens([{ day: day(1), spentKey: key }]), [true])
      await tx.queueItem(0, random(16), random(49))
    })
    assert.deepEqual(await store.transaction((tx) => tx.queuedWindows()), [])
    assert.equal(await spend(store, 1, key), true)
  },
}

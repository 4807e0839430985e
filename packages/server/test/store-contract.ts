// What every engine of the store must hold; each verb at least once.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { concat, type Epoch, toHex, type UnixSeconds, type UtcDay } from '@vicinity/protocol'
import { NEW_STATUS, packExposure, type UserStatus } from '@vicinity/protocol/robert'
import { type CodeRow, MOST_WAITING, NOBODY, type Store, type Transaction } from '../src/store/store.ts'
import { departures } from './departures-contract.ts'
import { randomOf } from './fixture.ts'
import { sealedKeys } from './sealed-keys-contract.ts'
import { uploads } from './uploads-contract.ts'
import { verification } from './verification-contract.ts'

type Open = () => Promise<Store>
type Check = (store: Store) => Promise<void>

const random = randomOf('store contract')
const day = (n: number): UtcDay => n as UtcDay
const at = (n: number): UnixSeconds => n as UnixSeconds
const epoch = (n: number): Epoch => n as Epoch
const userOf = (id: number) => ({ id, authenticationKey: random(60), encryptionKey: random(60) })
const statusOf = (changes: Partial<UserStatus>): UserStatus => ({ ...NEW_STATUS, ...changes })
const exposure = (of: number): Uint8Array => packExposure({ epoch: epoch(of), slot: 0, weight: 50 })
/** An id of all 40 bits. */
const LARGEST = 2 ** 40 - 1
const codeRow = (expires: number): CodeRow => ({
  hash: random(32),
  contagiousFrom: at(1000),
  contagiousTo: at(2 ** 40),
  expires: at(expires),
})

const read = async (store: Store, id: number) => (await store.transaction((tx) => tx.usersOf([id]))).get(id)
const add = (store: Store, id: number) => store.transaction((tx) => tx.addUser(userOf(id)))
const addAll = (store: Store, ids: readonly number[]) =>
  store.transaction(async (tx) => {
    for (const id of ids) await tx.addUser(userOf(id))
  })
/** Runs in one transaction that is then given up. */
async function giveUp(store: Store, run: (tx: Transaction) => Promise<unknown>): Promise<void> {
  const failing = store.transaction(async (tx) => {
    await run(tx)
    throw new Error('given up')
  })
  await assert.rejects(failing, /given up/)
}

const users: Record<string, Check> = {
  'the set-up is remembered as it first was': async (store) => {
    assert.equal(await store.transaction((tx) => tx.setUp('first')), 'first')
    assert.equal(await store.transaction((tx) => tx.setUp('second')), 'first')
  },
  'a new user has both keys, no exposure and the status of nobody notified': async (store) => {
    const user = userOf(LARGEST)
    assert.equal(await store.transaction((tx) => tx.addUser(user)), true)
    const stored = await read(store, LARGEST)
    assert.equal(toHex(stored!.authenticationKey), toHex(user.authenticationKey))
    assert.equal(toHex(stored!.encryptionKey), toHex(user.encryptionKey))
    assert.deepEqual(
      { ...stored!.status, lastRequestTag: toHex(stored!.status.lastRequestTag) },
      {
        ...NEW_STATUS,
        lastRequestTag: '00'.repeat(8),
      },
    )
    assert.equal(stored!.exposedEpochs.length, 0)
  },
  'an id that is taken is refused and its user stays (T-11)': async (store) => {
    await add(store, 7)
    const before = await read(store, 7)
    assert.equal(await add(store, 7), false)
    assert.deepEqual(await read(store, 7), before)
    assert.equal(await add(store, 8), true)
  },
  'a new user has no exposure, although something was appended to the id when nobody had it': async (store) => {
    await store.transaction((tx) => tx.appendExposures([{ id: 9, exposures: exposure(5) }]))
    assert.equal(await add(store, 9), true)
    assert.equal((await read(store, 9))!.exposedEpochs.length, 0)
    assert.deepEqual(await store.transaction((tx) => tx.exposuresAfter(NOBODY, 10)), [])
  },
  'who is not there is left out of every answer': async (store) => {
    await add(store, 1)
    const [all, keys] = await store.transaction(async (tx) => [
      await tx.usersOf([1, 2, NOBODY]),
      await tx.authenticationKeysOf([NOBODY, 2, 1]),
    ])
    assert.deepEqual([...all!.keys()], [1])
    assert.deepEqual([...keys!.keys()], [1])
    assert.deepEqual(keys!.get(1), all!.get(1)!.authenticationKey)
  },
  'who is nearest is the user, or another, or nobody: never the exposures of somebody else (T-21)': async (store) => {
    const nearest = (ids: readonly number[]) => store.transaction((tx) => tx.nearestUsers(ids))
    assert.deepEqual(await nearest([1, NOBODY]), [undefined, undefined])
    for (const id of [3, 5]) await add(store, id)
    await store.transaction((tx) => tx.appendExposures([{ id: 5, exposures: exposure(7) }]))
    const [three, five] = [await read(store, 3), await read(store, 5)]
    assert.deepEqual([three!.exposedEpochs.length, five!.exposedEpochs.length], [0, exposure(7).length])
    assert.deepEqual(await nearest([3, 5, 3]), [three, five, three])
    for (const other of await nearest([4, 6, NOBODY, 1])) {
      if (other !== undefined) assert.deepEqual(other, other.id === 3 ? three : five)
    }
  },
  'a status changes where it is still what was read: the loser gets nothing': async (store) => {
    for (const id of [1, 2]) await add(store, id)
    const tag = random(8)
    const asked = statusOf({ lastStatusRequestEpoch: epoch(24), lastRequestTag: tag })
    const warned: UserStatus = { ...asked, notified: 'pending', warnedThrough: epoch(0) }
    const change = (id: number, from: UserStatus, to: UserStatus) =>
      store.transaction(async (tx) => [...(await tx.changeStatuses([{ id, from, to }]))])
    assert.deepEqual(await change(1, NEW_STATUS, asked), [1])
    assert.deepEqual(await change(1, NEW_STATUS, warned), [])
    assert.deepEqual({ ...(await read(store, 1))!.status }, { ...asked, lastRequestTag: new Uint8Array(tag) })
    assert.deepEqual(await change(1, asked, warned), [1])
    assert.deepEqual(await change(1, warned, { ...warned, notified: 'acknowledged' }), [1])
    assert.deepEqual(await change(1, warned, NEW_STATUS), [])
    assert.equal((await read(store, 1))!.status.notified, 'acknowledged')
    assert.equal((await read(store, 1))!.status.warnedThrough, 0)
    assert.deepEqual((await read(store, 2))!.status, { ...NEW_STATUS, lastRequestTag: new Uint8Array(8) })
    assert.deepEqual(await change(NOBODY, NEW_STATUS, asked), [])
    assert.deepEqual(await change(3, NEW_STATUS, asked), [])
  },
  'of 64 changes from the same status one takes effect (T-23)': async (store) => {
    await add(store, 1)
    const attempts = Array.from({ length: 64 }, (_, n) =>
      store.transaction(async (tx) => {
        const to = statusOf({ lastStatusRequestEpoch: epoch(100 + n), lastRequestTag: random(8) })
        return (await tx.changeStatuses([{ id: 1, from: NEW_STATUS, to }])).size
      }),
    )
    const won = await Promise.all(attempts)
    assert.equal(won.filter((size) => size === 1).length, 1)
    assert.equal((await read(store, 1))!.status.lastStatusRequestEpoch, 100 + won.indexOf(1))
  },
}

const exposures: Record<string, Check> = {
  'exposures are appended byte for byte, zero bytes too: 20,000 random pairs': async (store) => {
    // Half of the bytes are zero, as those of early epochs and of text that ends early.
    const draw = (n: number) => random(4 * n).map((byte) => (byte < 128 ? 0 : byte))
    const pairs = Array.from({ length: 20_000 }, (_, n) => [draw(1 + (n % 3)), draw(1 + (n % 2))] as const)
    await addAll(store, [...pairs.keys()])
    for (const part of [0, 1] as const) {
      await store.transaction((tx) => tx.appendExposures(pairs.map((pair, id) => ({ id, exposures: pair[part] }))))
    }
    const rows = await store.transaction((tx) => tx.exposuresAfter(NOBODY, pairs.length + 1))
    assert.equal(rows.length, pairs.length)
    const wrong = rows.filter((row) => toHex(row.exposures) !== toHex(concat(...pairs[row.id]!)))
    assert.deepEqual(wrong, [])
  },
  'what was appended is what the user is judged by': async (store) => {
    await add(store, 4)
    await store.transaction((tx) => tx.appendExposures([{ id: 4, exposures: concat(exposure(0), exposure(1)) }]))
    await store.transaction((tx) => tx.appendExposures([{ id: 4, exposures: exposure(0) }]))
    assert.equal(toHex((await read(store, 4))!.exposedEpochs), toHex(concat(exposure(0), exposure(1), exposure(0))))
  },
  'exposures are listed by ascending id in pages': async (store) => {
    const ids = [LARGEST, 5, 0, 77, 2 ** 33]
    await addAll(store, ids)
    await store.transaction((tx) => tx.appendExposures(ids.map((id) => ({ id, exposures: exposure(id % 9) }))))
    const page = (after: number, limit: number) =>
      store.transaction(async (tx) => (await tx.exposuresAfter(after, limit)).map((row) => row.id))
    assert.deepEqual(await page(NOBODY, 2), [0, 5])
    assert.deepEqual(await page(5, 2), [77, 2 ** 33])
    assert.deepEqual(await page(2 ** 33, 2), [LARGEST])
    assert.deepEqual(await page(LARGEST, 2), [])
  },
  'exposures are replaced where they are still what was read; none left removes the row': async (store) => {
    const old = concat(exposure(1), exposure(2))
    await addAll(store, [1, 2, 3])
    await store.transaction((tx) => tx.appendExposures([1, 2, 3].map((id) => ({ id, exposures: old }))))
    await store.transaction((tx) => tx.appendExposures([{ id: 3, exposures: exposure(3) }]))
    const to = exposure(2)
    await store.transaction((tx) =>
      tx.replaceExposures([
        { id: 1, exposures: old, to },
        { id: 2, exposures: old, to: new Uint8Array(0) },
        { id: 3, exposures: old, to: new Uint8Array(0) },
      ]),
    )
    await store.transaction((tx) => tx.replaceExposures([{ id: 3, exposures: old, to }]))
    const rows = await store.transaction((tx) => tx.exposuresAfter(NOBODY, 9))
    assert.deepEqual(
      rows.map((row) => [row.id, toHex(row.exposures)]),
      [
        [1, toHex(to)],
        [3, toHex(concat(old, exposure(3)))],
      ],
    )
  },
}

const codes: Record<string, Check> = {
  'a challenge is spent once and forgotten after it expired': async (store) => {
    const key = random(16)
    const spend = () => store.transaction((tx) => tx.spendChallenge(key, at(300)))
    assert.deepEqual([await spend(), await spend()], [true, false])
    await store.transaction((tx) => tx.forgetChallenges(at(300)))
    assert.equal(await spend(), false)
    await store.transaction((tx) => tx.forgetChallenges(at(301)))
    assert.equal(await spend(), true)
  },
  'a code is found by its hash only': async (store) => {
    const code = codeRow(500)
    await store.transaction((tx) => tx.addCode(code))
    assert.deepEqual(await store.transaction((tx) => tx.codeOf(code.hash)), code)
    assert.equal(await store.transaction((tx) => tx.codeOf(random(32))), undefined)
  },
  'a chunk of a code is bound to the first digest, by day and by number': async (store) => {
    const { hash } = codeRow(500)
    const [first, other] = [random(32), random(32)]
    const bind = (of: number, chunk: number, digest: Uint8Array) =>
      store.transaction((tx) => tx.bindChunk(hash, day(of), chunk, digest))
    assert.deepEqual([await bind(1, 0, first), await bind(1, 0, first), await bind(1, 0, other)], [true, true, false])
    assert.deepEqual([await bind(1, 1, other), await bind(2, 0, other), await bind(1, 0, first)], [true, true, true])
  },
  'a code that expired is forgotten with its chunks, another stays': async (store) => {
    const [old, young] = [codeRow(500), codeRow(501)]
    const [first, other] = [random(32), random(32)]
    await store.transaction(async (tx) => {
      for (const { hash } of [old, young]) await tx.bindChunk(hash, day(1), 0, first)
      for (const code of [old, young]) await tx.addCode(code)
    })
    await store.transaction((tx) => tx.forgetCodes(at(501)))
    const [gone, kept] = await store.transaction(async (tx) => [await tx.codeOf(old.hash), await tx.codeOf(young.hash)])
    assert.deepEqual([gone, kept], [undefined, young])
    assert.equal(await store.transaction((tx) => tx.bindChunk(old.hash, day(1), 0, other)), true)
    assert.equal(await store.transaction((tx) => tx.bindChunk(young.hash, day(1), 0, other)), false)
  },
}

const transactions: Record<string, Check> = {
  'transactions that await in turn do not see into each other': async (store) => {
    const seen: string[] = []
    const run = (name: string, id: number) =>
      store.transaction(async (tx) => {
        for (let step = 0; step < 3; step++) {
          seen.push(`${name}${step}`)
          await tx.addUser(userOf(10 * id + step))
          const others = await tx.usersOf([10, 11, 12, 20, 21, 22])
          assert.equal(others.size, step + 1 + (id === 1 ? 0 : 3))
        }
      })
    await Promise.all([run('a', 1), run('b', 2)])
    assert.deepEqual(seen, ['a0', 'a1', 'a2', 'b0', 'b1', 'b2'])
  },
  'a transaction that fails leaves nothing and does not stop those behind it': async (store) => {
    const failing = giveUp(store, (tx) => tx.addUser(userOf(1)))
    const next = add(store, 2)
    await failing
    assert.equal(await next, true)
    assert.equal(await read(store, 1), undefined)
    assert.notEqual(await read(store, 2), undefined)
  },
  'a sum of 64 parallel read-and-write transactions is complete': async (store) => {
    await add(store, 1)
    const once = () =>
      store.transaction(async (tx) => {
        const from = (await tx.usersOf([1])).get(1)!.status
        const next = epoch((from.lastStatusRequestEpoch ?? 0) + 1)
        const won = await tx.changeStatuses([{ id: 1, from, to: { ...from, lastStatusRequestEpoch: next } }])
        assert.equal(won.size, 1)
      })
    await Promise.all(Array.from({ length: 64 }, once))
    assert.equal((await read(store, 1))!.status.lastStatusRequestEpoch, 64)
  },
  'so many transactions wait and no more: one too many is refused before any work, and those that wait run (F9)':
    async (store) => {
      const gate = Promise.withResolvers<void>()
      const first = store.transaction(async (tx) => {
        await tx.queuedWindows()
        await gate.promise
      })
      let ran = 0
      const attempts = Array.from({ length: MOST_WAITING + 2 }, () =>
        store.transaction(async () => {
          ran++
        }),
      )
      const settled = Promise.allSettled(attempts)
      await assert.rejects(attempts.at(-1)!, { name: 'StoreFailure', message: 'too many transactions wait' })
      gate.resolve()
      await first
      const refused = (await settled).filter(({ status }) => status === 'rejected').length
      assert.deepEqual([ran, refused], [MOST_WAITING, 2])
      assert.equal(await add(store, 1), true)
    },
  'closing waits for the transactions before it, and no later one runs': async (store) => {
    const running = add(store, 1)
    await store.close()
    assert.equal(await running, true)
    await assert.rejects(add(store, 2))
  },
}

/** Runs the contract; `open` gives an empty store each time. `without` says in words why it cannot. */
export function storeContract(name: string, open: Open, without: string | false = false): void {
  const skip = without
  const run = (check: Check) => async (t: TestContext) => {
    const store = await open()
    t.after(() => store.close().catch(() => {}))
    await check(store)
  }
  for (const checks of [users, exposures, uploads, codes, verification, departures, sealedKeys, transactions]) {
    for (const [title, check] of Object.entries(checks)) test(`${name}: ${title}`, { skip }, run(check))
  }
}

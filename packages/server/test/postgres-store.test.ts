import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { inspect } from 'node:util'
import { type Epoch, toHex, type UtcDay } from '@vicinity/protocol'
import { packExposure } from '@vicinity/protocol/robert'
import { statusOf } from '../src/dispatch.ts'
import { POSTGRES_MIGRATIONS } from '../src/store/migrations/postgres.ts'
import { openStore } from '../src/store/open.ts'
import { NOBODY, type Store, type Transaction } from '../src/store/store.ts'
import { randomOf } from './fixture.ts'
import { throwawayDatabases } from './postgres-fixture.ts'
import { storeContract } from './store-contract.ts'

const postgres = await throwawayDatabases(after)
const skip = postgres.without
const random = randomOf('postgres store')
/** Opens a store for one piece of work. */
async function using<Result>(url: string, work: (store: Store) => Promise<Result>): Promise<Result> {
  const store = openStore(url)
  return await work(store).finally(() => store.close())
}

storeContract('postgres', async () => openStore(await postgres.newDatabase()), skip)
storeContract('postgres in 8 buckets', async () => openStore(`${await postgres.newDatabase()}&bucketBits=3`), skip)

const spendIn = async (tx: Transaction, spentKey: Uint8Array) =>
  (await tx.spendTokens([{ day: 1 as UtcDay, spentKey }]))[0]
const spend = (store: Store, key: Uint8Array) => store.transaction((tx) => spendIn(tx, key))

test('what was committed is there when the database is opened again, and a second store sees it', {
  skip,
}, async () => {
  const url = await postgres.newDatabase()
  const [one, two] = [openStore(url), openStore(url)]
  const key = random(16)
  assert.deepEqual(
    await Promise.all([one.transaction((tx) => tx.setUp('a')), two.transaction((tx) => tx.setUp('a'))]),
    ['a', 'a'],
  )
  assert.deepEqual((await Promise.all([spend(one, key), spend(two, key)])).sort(), [false, true])
  await Promise.all([one.close(), two.close()])
  const three = openStore(url)
  assert.equal(await spend(three, key), false)
  await three.close()
})

test('a database of a newer version is refused and stays as it is', { skip }, async () => {
  const url = await postgres.newDatabase()
  await using(url, (store) => spend(store, random(16)))
  await postgres.run(url, 'update schema_version set version = version + 1')
  await assert.rejects(
    using(url, (store) => spend(store, random(16))),
    /is of version \d+, this program knows \d+: use a newer one/,
  )
  const [row] = await postgres.run(url, 'select version from schema_version')
  assert.equal(row!['version'], POSTGRES_MIGRATIONS.length + 1)
})

test('the bucket bits are those of the first start; others are refused', { skip }, async () => {
  const url = await postgres.newDatabase()
  await using(`${url}&bucketBits=2`, (store) => spend(store, new Uint8Array(16).fill(255)))
  await using(url, (store) => spend(store, new Uint8Array(16)))
  const rows = await postgres.run(url, 'select bucket from spent_token order by bucket')
  assert.deepEqual(
    rows.map((row) => row['bucket']),
    [0, 3],
  )
  await assert.rejects(
    using(`${url}&bucketBits=3`, (store) => spend(store, random(16))),
    /was set up with bucketBits=2/,
  )
})

test('a transaction that lost a deadlock runs again from its start', { skip }, async () => {
  const url = await postgres.newDatabase()
  const names: string[] = []
  const [one, two] = [openStore(url, { onStatement: (name) => names.push(name) }), openStore(url)]
  const [a, b] = [random(16), random(16)]
  let runs = 0
  const meet = Promise.withResolvers<void>()
  const crossing = (store: Store, first: Uint8Array, second: Uint8Array) =>
    store.transaction(async (tx) => {
      const won = await spendIn(tx, first)
      if (++runs === 2) meet.resolve()
      await meet.promise
      return [won, await spendIn(tx, second)]
    })
  const results = await Promise.all([crossing(one, a, b), crossing(two, b, a)])
  assert.equal(runs, 3)
  assert.equal(results.flat().filter(Boolean).length, 2)
  await Promise.all([one.close(), two.close()])
})

test('a store with several connections loses and repeats nothing', { skip }, async () => {
  const store = openStore(`${await postgres.newDatabase()}&connections=8`)
  const keys = Array.from({ length: 40 }, () => random(16))
  const attempts = await Promise.all([...keys, ...keys, ...keys].map((key) => spend(store, key)))
  assert.equal(attempts.filter(Boolean).length, keys.length)
  await store.close()
})

test('of a user who leaves while exposures are appended nothing stays (D3)', { skip }, async () => {
  const store = openStore(`${await postgres.newDatabase()}&connections=4`)
  const exposures = packExposure({ epoch: 1 as Epoch, slot: 0, weight: 1 })
  for (let id = 0; id < 50; id++) {
    const user = { id, authenticationKey: random(60), encryptionKey: random(60) }
    await store.transaction((tx) => tx.addUser(user))
    const append = () => store.transaction((tx) => tx.appendExposures([{ id, exposures }]))
    await Promise.all([append(), store.transaction((tx) => tx.removeUsers([id])), append()])
  }
  assert.deepEqual(await store.transaction((tx) => tx.exposuresAfter(NOBODY, 99)), [])
  await store.close()
})

test('a connection that is cut fails its transaction with a 503 and no value, and the next one runs', {
  skip,
}, async () => {
  const url = await postgres.newDatabase()
  const store = openStore(url)
  const key = random(16)
  await spend(store, key)
  const cut = store.transaction(async (tx) => {
    await postgres.run(url, 'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()')
    await spendIn(tx, random(16))
  })
  await assert.rejects(cut, (error: Error) => {
    assert.deepEqual(statusOf(error), { status: 503, body: { error: 'store' } })
    return !error.stack!.includes(toHex(key)) && error.cause === undefined
  })
  assert.equal(await spend(store, key), false)
  await store.close()
})

test('what PostgreSQL refuses is told without the row that it is about', { skip }, async () => {
  const store = openStore(await postgres.newDatabase())
  const rowId = random(16)
  const twice = store.transaction(async (tx) => {
    for (let n = 0; n < 2; n++) await tx.queueItem(1, rowId, random(49))
  })
  await assert.rejects(twice, (error: Error) => {
    assert.equal(error.message, 'queueItem: PostgreSQL refused with 23505')
    return !inspect(error, { depth: 9 }).includes(toHex(rowId))
  })
  await store.close()
})

test('a server that is not there is told in words, without the password, at each transaction', async () => {
  const store = openStore('postgres://me:secret@127.0.0.1:1/none')
  for (let n = 0; n < 2; n++) {
    await assert.rejects(spend(store, random(16)), (error: Error) => {
      assert.match(error.message, /PostgreSQL cannot be reached \(ECONNREFUSED\): check the address/)
      return !inspect(error, { depth: 9 }).includes('secret')
    })
  }
  await store.close()
})

test('the parameters of the URL are checked', () => {
  for (const wrong of ['connections=0', 'connections=101', 'bucketBits=9', 'bucketBits=-1', 'connections=x']) {
    assert.throws(() => openStore(`postgres://me:secret@here/db?${wrong}`), /of the store must be a whole number from/)
  }
  assert.throws(() => openStore('postgres://me:sec ret@:x/'), /^BadStore: this is no URL of PostgreSQL: use postgres:/)
})

test('a throwaway cluster leaves nothing behind, also when its process is killed', { skip }, async () => {
  const store = openStore('postgres:throwaway')
  assert.equal(await spend(store, random(16)), true)
  await store.close()
  const child = fork(new URL('throwaway-child.ts', import.meta.url), { execArgv: [...process.execArgv] })
  const [directory] = (await once(child, 'message')) as [string]
  assert.equal(existsSync(directory), true)
  child.kill('SIGKILL')
  for (let tries = 0; existsSync(directory) && tries < 200; tries++) await pause(50)
  assert.equal(existsSync(directory), false)
})

test('statements are reported by name in their order, never with a value', { skip }, async () => {
  const names: string[] = []
  const store = openStore(await postgres.newDatabase(), { onStatement: (name) => names.push(name) })
  await store.transaction((tx) => tx.usersOf([NOBODY]))
  await assert.rejects(store.transaction(() => Promise.reject(new Error('no'))))
  await store.close()
  assert.deepEqual(names, ['begin', 'user', 'commit', 'begin', 'rollback'])
})

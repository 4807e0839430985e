import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import type { Epoch, UtcDay } from '@vicinity/protocol'
import { NEW_STATUS, packExposure } from '@vicinity/protocol/robert'
import { SQLITE_MIGRATIONS } from '../src/store/migrations/sqlite.ts'
import { openStore } from '../src/store/open.ts'
import { NOBODY } from '../src/store/store.ts'
import { dump, randomOf, temporaryDirectory } from './fixture.ts'
import { storeContract } from './store-contract.ts'

const directory = temporaryDirectory({ after: (run) => after(run as () => void) })
let files = 0
const newFile = () => join(directory, `database-${files++}`)
const random = randomOf('store')

storeContract('sqlite in memory', async () => openStore('sqlite::memory:'))
storeContract('sqlite in a file', async () => openStore(`sqlite:${newFile()}`))

const versionOf = (path: string): number => {
  const database = new DatabaseSync(path)
  const version = database.prepare('pragma user_version').get()?.['user_version']
  database.close()
  return Number(version)
}

test('what was committed is there when the file is opened again, to the byte', async () => {
  const path = newFile()
  const first = openStore(`sqlite:${path}`)
  await first.transaction(async (tx) => {
    await tx.setUp('a country')
    await tx.addUser({ id: 1, authenticationKey: random(60), encryptionKey: random(60) })
    await tx.changeStatuses([{ id: 1, from: NEW_STATUS, to: { ...NEW_STATUS, lastRequestTag: random(8) } }])
    await tx.appendExposures([{ id: 1, exposures: packExposure({ epoch: 0 as Epoch, slot: 0, weight: 0 }) }])
    await tx.spendTokens([{ day: 1 as UtcDay, spentKey: random(16) }])
    await tx.queueItem(1, random(16), random(49))
  })
  const before = dump(path)
  await first.close()
  const second = openStore(`sqlite:${path}`)
  assert.equal(dump(path), before)
  assert.equal((await second.transaction((tx) => tx.usersOf([1]))).size, 1)
  assert.equal(await second.transaction((tx) => tx.setUp('another')), 'a country')
  await second.close()
  assert.equal(versionOf(path), SQLITE_MIGRATIONS.length)
})

test('a closed store leaves one file and no journal', async () => {
  const path = newFile()
  const store = openStore(`sqlite:${path}`)
  await store.transaction((tx) => tx.queueItem(1, random(16), random(49)))
  await store.close()
  assert.ok(statSync(path).size > 0)
  assert.deepEqual([existsSync(`${path}-wal`), existsSync(`${path}-shm`)], [false, false])
})

test('a database of a newer version is refused, stays as it is and is left alone', async () => {
  const path = newFile()
  await openStore(`sqlite:${path}`).close()
  const newer = SQLITE_MIGRATIONS.length + 1
  const database = new DatabaseSync(path)
  database.exec(`pragma user_version = ${newer}`)
  assert.throws(() => openStore(`sqlite:${path}`), /is of version \d+, this program knows \d+: use a newer one/)
  // Nobody holds a lock.
  database.exec('begin exclusive; rollback')
  database.close()
  assert.equal(versionOf(path), newer)
})

test('two stores on one file see the same rows', async () => {
  const path = newFile()
  const [one, two] = [openStore(`sqlite:${path}`), openStore(`sqlite:${path}`)]
  const key = random(16)
  const tokens = [{ day: 1 as UtcDay, spentKey: key }]
  assert.deepEqual(await one.transaction((tx) => tx.spendTokens(tokens)), [true])
  assert.deepEqual(await two.transaction((tx) => tx.spendTokens(tokens)), [false])
  await Promise.all([one.close(), two.close()])
})

test('a store says which forms of its URL it knows', () => {
  for (const url of ['', 'sqlite:', 'postgres:', 'postgres:throwaways', 'sqlite:a?mode=ro', 'mysql://me:secret@here']) {
    assert.throws(() => openStore(url), /^BadStore: unknown store: use sqlite:PATH, sqlite::memory:, postgres:/, url)
  }
})

test('statements are reported by name in their order, never with a value', async () => {
  const names: string[] = []
  const store = openStore('sqlite::memory:', { onStatement: (name) => names.push(name) })
  await store.transaction((tx) => tx.usersOf([NOBODY]))
  await assert.rejects(store.transaction(() => Promise.reject(new Error('no'))))
  await store.close()
  assert.deepEqual(names, ['begin', 'user', 'commit', 'begin', 'rollback'])
})

test('no column of the upload side is finer than a window or a day, and no row tells its order of arrival (T-36)', async () => {
  const path = newFile()
  const store = openStore(`sqlite:${path}`)
  const database = new DatabaseSync(path)
  const columns = (table: string) =>
    database
      .prepare(`pragma table_info(${table})`)
      .all()
      .map((column) => column['name'])
  assert.deepEqual(columns('item_queue'), ['window', 'row_id', 'body'])
  assert.deepEqual(columns('spent_token'), ['day', 'spent_key'])
  for (const table of ['item_queue', 'spent_token']) {
    assert.throws(() => database.prepare(`select rowid from ${table}`), /no such column/)
  }
  database.close()
  await store.close()
})

// Backups over both engines: what was backed up from one restores into the other.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { verifyBackup } from '../src/backup/backup.ts'
import { placeOfStore } from '../src/backup/places.ts'
import { EMPTY_AT_FIRST, LEFT_OUT, TABLES } from '../src/backup/tables.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import { openStore } from '../src/store/open.ts'
import { backedUp, fill, KEY, restored, rowsIn } from './backup-fixture.ts'
import { temporaryDirectory } from './fixture.ts'
import { throwawayDatabases } from './postgres-fixture.ts'

const directory = temporaryDirectory({ after: (run) => after(run as () => void) })
const postgres = await throwawayDatabases(after)
const skip = postgres.without
let made = 0
const newPath = () => join(directory, `file-${made++}`)
const newSqlite = async () => `sqlite:${newPath()}`
const newBuckets = async () => `${await postgres.newDatabase()}&bucketBits=3`
const quiet = () => {}

const ENGINES = { sqlite: newSqlite, postgres: postgres.newDatabase, 'postgres in 8 buckets': newBuckets } as const
const named = Object.entries(ENGINES)

for (const [from, newSource] of named) {
  for (const [to, newTarget] of named) {
    const skip = from === 'sqlite' && to === 'sqlite' ? false : postgres.without
    test(`a backup of ${from} restores into ${to}, row for row`, { skip }, async () => {
      const [source, target, path] = [await newSource(), await newTarget(), newPath()]
      await fill(source)
      const summary = await backedUp(source, path)
      assert.ok(Object.values(summary.rows).every((count) => count > 0))
      assert.deepEqual(verifyBackup(path, KEY, quiet), summary)
      const keyFiles = memoryKeys()
      for (const window of [0, 1]) keyFiles.create(`intake-${window}`, new Uint8Array(32))
      const { left, unreadable, generation } = await restored(target, path, { keyFiles })
      assert.deepEqual([left, unreadable, generation], [0, 0, 1])
      assert.deepEqual(await rowsIn(target), await rowsIn(source))
      const store = openStore(target)
      assert.equal(await store.transaction((tx) => tx.generation()), 1)
      assert.deepEqual(await store.transaction((tx) => tx.departures(9)), [])
      await store.close()
    })
  }
}

test('every table and column of both schemas is in a backup, or is left out with a reason', {
  skip,
}, async () => {
  const columnsOf = ({ columns }: { readonly columns: object }) => Object.keys(columns).sort()
  const expected = Object.fromEntries(TABLES.map((table) => [table.name, columnsOf(table)]))
  const path = newPath()
  await openStore(`sqlite:${path}`).close()
  const database = new DatabaseSync(path)
  const names = database.prepare("select name from sqlite_master where type = 'table'").all()
  const ofSqlite = names.map(({ name }) => [
    name,
    database
      .prepare(`pragma table_info(${name})`)
      .all()
      .map((column) => column['name'])
      .sort(),
  ])
  database.close()
  const url = await postgres.newDatabase()
  await (await placeOfStore(url).target()).close()
  const found = await postgres.run(
    url,
    `select table_name::text as name, array_agg(column_name::text) as columns from information_schema.columns
      where table_schema = current_schema() and column_name <> 'bucket' group by table_name`,
  )
  const ofPostgres = found.map(({ name, columns }) => [name, (columns as string[]).sort()])
  for (const tables of [ofSqlite, ofPostgres]) {
    const kept = tables.filter(([name]) => !Object.hasOwn(LEFT_OUT, name as string))
    assert.deepEqual(Object.fromEntries(kept), expected)
  }
  const known = new Set(ofPostgres.map(([name]) => name))
  assert.deepEqual(
    Object.keys(LEFT_OUT).filter((name) => !known.has(name)),
    [],
  )
  assert.ok(EMPTY_AT_FIRST.length > TABLES.length)
})

for (const [name, newDatabase] of named) {
  const skip = name === 'sqlite' ? false : postgres.without
  test(`a backup of ${name} is of one moment: what is written meanwhile is not in it, and nobody waits`, {
    skip,
  }, async () => {
    const [url, path] = [await newDatabase(), newPath()]
    await fill(url, 10)
    const before = await rowsIn(url)
    const store = openStore(url)
    let more = 0
    const writing: Promise<unknown>[] = []
    const summary = await backedUp(url, path, {
      progress: () => {
        const id = 1 + more++
        const user = { id, authenticationKey: KEY, encryptionKey: KEY }
        writing.push(store.transaction((tx) => tx.addUser(user)))
      },
    })
    await Promise.all(writing)
    await store.close()
    assert.ok(more > 5)
    for (const [table, rows] of Object.entries(before)) assert.equal(summary.rows[table], rows.length, table)
    assert.equal((await rowsIn(url))['user_key']!.length, 10 + more)
  })
}

test('a database of PostgreSQL that holds no store has no backup', { skip }, async () => {
  await assert.rejects(backedUp(await postgres.newDatabase(), newPath()), /the database holds no store/)
})

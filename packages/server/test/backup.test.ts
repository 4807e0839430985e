// Backups: nothing of them can be changed unseen, and a restore leaves out what must not come back.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { DAY_SECONDS, later } from '@vicinity/protocol'
import { verifyBackup } from '../src/backup/backup.ts'
import { placeOfStore } from '../src/backup/places.ts'
import { generationOf, raiseGeneration } from '../src/keys/generation.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import { openStore } from '../src/store/open.ts'
import { markOf, openTombstones, tombstoneKey } from '../src/tombstones.ts'
import { backedUp, fill, KEY, restored, rowsIn } from './backup-fixture.ts'
import { NOON, randomOf, temporaryDirectory } from './fixture.ts'

const directory = temporaryDirectory({ after: (run) => after(run as () => void) })
let made = 0
const newPath = () => join(directory, `file-${made++}`)
const newSqlite = async () => `sqlite:${newPath()}`
const quiet = () => {}

test('a backup of SQLite holds up nobody who shreds the log; the next time it is shredded', async () => {
  const path = newPath()
  await fill(`sqlite:${path}`, 4)
  const store = openStore(`sqlite:${path}`)
  const snapshot = await placeOfStore(`sqlite:${path}`).snapshot()
  await store.transaction((tx) => tx.spendChallenge(KEY, NOON))
  const times: number[] = []
  const shred = async () => {
    // The engine would wait for five seconds.
    const timeout = AbortSignal.timeout(3000)
    await store.shred()
    assert.equal(timeout.aborted, false)
    times.push(statSync(`${path}-wal`).size)
  }
  await shred()
  await snapshot.close()
  await shred()
  assert.ok(times[0]! > 0)
  assert.equal(times[1], 0)
  await store.close()
})

test('a backup in which anything was changed, left out, repeated, moved or cut off does not verify', async () => {
  const [url, path] = [await newSqlite(), newPath()]
  await fill(url, 4)
  await backedUp(url, path)
  const good = readFileSync(path)
  const changed = newPath()
  const isFound = (bytes: Uint8Array, what: string) => {
    writeFileSync(changed, bytes)
    assert.throws(() => verifyBackup(changed, KEY, quiet), { name: 'BadBackup' }, what)
  }
  for (let at = 0; at < good.length; at += 13) {
    isFound(
      good.map((byte, k) => (k === at ? byte ^ 1 : byte)),
      `bit of byte ${at}`,
    )
    isFound(good.subarray(0, at), `cut at ${at}`)
  }
  const chunks = chunksOf(good)
  const line = good.subarray(0, good.indexOf(10) + 1)
  const joined = (parts: readonly Buffer[]) => Buffer.concat([line, ...parts])
  assert.deepEqual(joined(chunks), good)
  isFound(joined(chunks.toSpliced(2, 1)), 'a chunk left out')
  isFound(joined(chunks.toSpliced(2, 0, chunks[2]!)), 'a chunk twice')
  isFound(joined([...chunks.slice(0, 2), chunks[3]!, chunks[2]!, ...chunks.slice(4)]), 'two chunks exchanged')
  isFound(joined(chunks.slice(0, -1)), 'the end left out')
  isFound(Buffer.concat([good, Buffer.from([0])]), 'a byte more')
  const other = newPath()
  await backedUp(url, other)
  isFound(joined(chunksOf(readFileSync(other))), 'chunks of another backup of the same rows')
  assert.throws(() => verifyBackup(path, randomOf('other')(32), quiet), /of another key directory/)
})

/** Length and sealed bytes of each chunk. */
function chunksOf(bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = bytes.indexOf(10) + 1; at < bytes.length; ) {
    const next = at + 4 + bytes.readUInt32BE(at)
    chunks.push(bytes.subarray(at, next))
    at = next
  }
  return chunks
}

const FAULTS: readonly (readonly [sql: string, fault: RegExp])[] = [
  ['delete from user_status where id = (select max(id) from user_status)', /a user has no status/],
  ['delete from user_status where id = (select min(id) from user_status)', /a status belongs to no user/],
  ['delete from user_key where id = (select min(id) from user_key)', /a status belongs to no user/],
  ['update exposure set id = id + 1', /exposures belong to no user/],
  ["update exposure set lee = x'010203'", /exposures are damaged/],
  ['update user_status set notified = 3', /a status is unknown/],
  ["update user_status set request_tag = x'00'", /a status is damaged/],
  [
    "update spent_token set spent_key = x'00' where spent_key = (select min(spent_key) from spent_token)",
    /a spent token is damaged/,
  ],
  ['update user_key set id = -5 where id = (select min(id) from user_key)', /an id is none/],
]

test('rows that do not fit together are found by verify, and are not restored', async () => {
  for (const [sql, fault] of FAULTS) {
    const [database, path] = [newPath(), newPath()]
    await fill(`sqlite:${database}`, 7)
    const opened = new DatabaseSync(database)
    opened.exec(sql)
    opened.close()
    await backedUp(`sqlite:${database}`, path)
    assert.throws(() => verifyBackup(path, KEY, quiet), fault, sql)
    const keyFiles = memoryKeys()
    await assert.rejects(restored(await newSqlite(), path, { keyFiles }), fault)
    assert.equal(generationOf(keyFiles), 0)
  }
})

test('a backup that fails leaves no file, and none is written over', async () => {
  const [url, path] = [await newSqlite(), newPath()]
  await fill(url, 4)
  const progress = () => {
    throw new Error('the disk is full')
  }
  await assert.rejects(backedUp(url, path, { progress }), /the disk is full/)
  assert.deepEqual([existsSync(path), existsSync(`${path}.unfinished`)], [false, false])
  await backedUp(url, path)
  const before = readFileSync(path)
  await assert.rejects(backedUp(url, path), /there is a file of this name already/)
  assert.deepEqual(readFileSync(path), before)
})

test('a backup is restored into an empty database only, and raises both generations by one (T-71)', async () => {
  const [url, path] = [await newSqlite(), newPath()]
  await fill(url, 4)
  await backedUp(url, path)
  const keyFiles = memoryKeys()
  await assert.rejects(restored(url, path, { keyFiles }), /is not empty/)
  assert.equal(generationOf(keyFiles), 0)
  raiseGeneration(keyFiles, 6)
  const told: number[] = []
  const target = await newSqlite()
  const { generation } = await restored(target, path, { keyFiles, before: (next) => void told.push(next) })
  assert.deepEqual([generation, generationOf(keyFiles), told], [7, 7, [7]])
  assert.deepEqual(
    keyFiles.names().filter((name) => name.startsWith('generation')),
    ['generation-7'],
  )
  // A backup of the restored database is of its generation, whatever the keys say.
  const [later, third] = [newPath(), await newSqlite()]
  assert.equal((await backedUp(target, later)).generation, 7)
  assert.equal((await restored(third, later)).generation, 8)
})

test('a backup that is older than the memory of who left is not restored', async () => {
  const [url, path] = [await newSqlite(), newPath()]
  await fill(url, 4)
  await backedUp(url, path)
  const keyFiles = memoryKeys()
  const at = later(NOON, 21 * DAY_SECONDS)
  await assert.rejects(restored(await newSqlite(), path, { keyFiles, at: later(at, 1) }), /older than 21 days/)
  assert.equal(generationOf(keyFiles), 0)
  await restored(await newSqlite(), path, { keyFiles, at })
})

test('a restore that broke off is never served: its database is of no generation that the keys have', async () => {
  const [url, path, target] = [await newSqlite(), newPath(), await newSqlite()]
  await fill(url, 4)
  await backedUp(url, path)
  const keyFiles = memoryKeys()
  const progress = (table: string) => {
    if (table === 'spent_token') throw new Error('the power failed')
  }
  await assert.rejects(restored(target, path, { keyFiles, progress }), /the power failed/)
  const store = openStore(target)
  assert.equal(await store.transaction((tx) => tx.generation()), 0)
  await store.close()
  assert.equal(generationOf(keyFiles), 1)
  await assert.rejects(restored(target, path, { keyFiles }), /is not empty/)
})

test('of who left since the backup nothing is restored; items without their key stay away', async () => {
  const [url, path, departed] = [await newSqlite(), newPath(), newPath()]
  await fill(url)
  await backedUp(url, path)
  const keyFiles = memoryKeys()
  keyFiles.create('intake-1', new Uint8Array(32))
  const key = tombstoneKey(keyFiles, randomOf('tombstone'))
  const tombstones = await openTombstones({ directory: departed, key, random: randomOf('names'), days: 21, at: NOON })
  const leaving = [2 ** 40 - 1, 6 * 26_000_000_000]
  await tombstones.record(leaving.map((id) => markOf(key, id)))
  await tombstones.close()
  const before = await rowsIn(url)
  const target = await newSqlite()
  const { left, unreadable } = await restored(target, path, { keyFiles, departed: [departed] })
  assert.deepEqual([left, unreadable], [2, 20])
  const now = await rowsIn(target)
  const isOf = (row: string) => leaving.includes(Number(JSON.parse(row)[0]))
  for (const name of ['user_key', 'user_status', 'exposure']) {
    assert.ok(before[name]!.filter(isOf).length > 0, name)
    assert.deepEqual(
      now[name],
      before[name]!.filter((row) => !isOf(row)),
      name,
    )
  }
  assert.deepEqual(
    now['item_queue'],
    before['item_queue']!.filter((row) => JSON.parse(row)[0] === 1),
  )
  // Tombstones of another key directory are no reason to go on as if nobody had left.
  await assert.rejects(restored(await newSqlite(), path, { departed: [departed] }), /the key tombstone is missing/)
})

test('a store in memory has no backup, nor a database that is not there or of another version', async () => {
  assert.throws(() => placeOfStore('sqlite::memory:'), /a backup is of sqlite:PATH or postgres:/)
  assert.throws(() => placeOfStore('postgres:throwaway'), /a backup is of/)
  await assert.rejects(backedUp(`sqlite:${newPath()}`, newPath()), /there is no database/)
  const old = newPath()
  await openStore(`sqlite:${old}`).close()
  const database = new DatabaseSync(old)
  database.exec('pragma user_version = 1')
  database.close()
  await assert.rejects(backedUp(`sqlite:${old}`, newPath()), /is of version 1, this program of/)
})

test('what is no backup is told so', () => {
  const path = newPath()
  for (const text of ['', '\n', '{}\n', `${'x'.repeat(999)}\n`, '{"form":"vicinity backup 2","salt":"00"}\n']) {
    rmSync(path, { force: true })
    writeFileSync(path, text)
    assert.throws(() => verifyBackup(path, KEY, quiet), /this is no backup of this program/, text)
  }
})

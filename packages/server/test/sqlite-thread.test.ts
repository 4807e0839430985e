// The thread of a database in a file, and what becomes of a transaction when it ends.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { UtcDay } from '@vicinity/protocol'
import { statusOf } from '../src/dispatch.ts'
import { StoreFailure } from '../src/store/failures.ts'
import { openStore } from '../src/store/open.ts'
import { sqliteStore } from '../src/store/sqlite.ts'
import { migrateFile } from '../src/store/sqlite-session.ts'
import { startThread, type ThreadSession } from '../src/store/sqlite-threads.ts'
import type { Transaction } from '../src/store/store.ts'
import { countRows, dump, randomOf, temporaryDirectory } from './fixture.ts'

const random = randomOf('sqlite thread')
const DAY = 1 as UtcDay
const queue = (tx: Transaction) => tx.queueItem(1, random(16), random(49))

test('when the thread ends its transaction is rolled back and answered with a 503, and the next one runs (F1)', async (t) => {
  const file = { path: join(temporaryDirectory(t), 'database'), durable: true }
  migrateFile(file)
  const threads: ThreadSession[] = []
  const store = sqliteStore(() => {
    threads.push(startThread(file, {}))
    return threads.at(-1)!
  })
  t.after(() => store.close())
  await store.transaction(queue)
  const cut = store.transaction(async (tx) => {
    await queue(tx)
    await threads.at(-1)!.end()
    await queue(tx)
  })
  const behind = store.transaction(queue)
  await assert.rejects(cut, (error: Error) => {
    assert.deepEqual(statusOf(error), { status: 503, body: { error: 'store' } })
    return error instanceof StoreFailure && error.cause === undefined
  })
  await behind
  assert.equal(threads.length, 2)
  assert.equal(countRows(file.path, 'item_queue'), 2)
})

test('a thread that ends while it commits leaves all or nothing, and is never answered with success', async (t) => {
  const file = { path: join(temporaryDirectory(t), 'database'), durable: true }
  migrateFile(file)
  const [session, store] = [startThread(file, {}), sqliteStore(() => startThread(file, {}))]
  t.after(() => store.close())
  await session.begin()
  await queue(session)
  await queue(session)
  const outcome = session.commit().then(
    () => 'committed',
    () => 'unknown',
  )
  await session.end()
  const rows = countRows(file.path, 'item_queue')
  assert.ok(rows === 2 || ((await outcome) === 'unknown' && rows === 0), `${rows} rows`)
  await store.transaction(queue)
})

test('no verb runs outside of its transaction, in either kind of session', async (t) => {
  for (const url of ['sqlite::memory:', `sqlite:${join(temporaryDirectory(t), 'database')}`]) {
    const store = openStore(url)
    t.after(() => store.close())
    let kept: Transaction | undefined
    await store.transaction(async (tx) => {
      kept = tx
    })
    await assert.rejects(kept!.queuedWindows(), /outside of a transaction/)
  }
})

test('what SQLite refuses is told without the row that it is about', async (t) => {
  for (const url of ['sqlite::memory:', `sqlite:${join(temporaryDirectory(t), 'database')}`]) {
    const store = openStore(url)
    t.after(() => store.close())
    const rowId = random(16)
    const twice = store.transaction(async (tx) => {
      for (let n = 0; n < 2; n++) await tx.queueItem(1, rowId, random(49))
    })
    await assert.rejects(twice, { name: 'StoreFailure', message: 'queueItem: SQLite refused with 1555' })
  }
})

test('bytes that are part of a larger memory go to the thread alone and arrive as they are', async (t) => {
  const path = join(temporaryDirectory(t), 'database')
  const store = openStore(`sqlite:${path}`)
  const memory = random(300)
  await store.transaction(async (tx) => {
    await tx.queueItem(1, memory.subarray(10, 26), Buffer.from(memory.subarray(30, 79)))
    await tx.spendTokens([{ day: DAY, spentKey: memory.subarray(200, 216) }])
  })
  await store.close()
  const hex = (from: number, to: number) => Buffer.from(memory.subarray(from, to)).toString('hex')
  for (const [from, to] of [
    [10, 26],
    [30, 79],
    [200, 216],
  ] as const) {
    assert.ok(dump(path).includes(`"${hex(from, to)}"`))
  }
})

// Engine `sqlite:`: node:sqlite. Transactions run one after the other, each in the thread of its file; a commit is on disk before it
// resolves.
import { StoreFailure, tooManyWait } from './failures.ts'
import { migrateFile, openSession, type SqliteFile, type SqliteSession } from './sqlite-session.ts'
import { startThread } from './sqlite-threads.ts'
import { MOST_WAITING, type Store, type StoreOptions, type Transaction } from './store.ts'

/**
 * Opens a file, bringing its schema up to date, or `:memory:`. What is thrown away, in memory or a file that is not durable, stays in this
 * thread: nobody waits for its disk, and who asks for one thing after another would only wait for the other thread. When the thread of
 * a file ends, its transaction fails and the next one starts another.
 */
export function openSqlite(file: SqliteFile, options: StoreOptions = {}): Store {
  if (file.path !== ':memory:') migrateFile(file)
  if (file.path === ':memory:' || !file.durable) {
    const session = { ...openSession(file, options), lives: () => true }
    return sqliteStore(() => session)
  }
  return sqliteStore(() => startThread(file, options))
}

/** A session that may be lost. */
type Losable = SqliteSession & { readonly lives: () => boolean }

/** A store over sessions: `start` gives the first, and another when it was lost. */
export function sqliteStore(start: () => Losable): Store {
  let session: Losable | undefined
  let last: Promise<unknown> = Promise.resolve()
  let closed = false
  let asked = 0
  const inTurn = <Result>(work: (session: Losable) => Promise<Result>): Promise<Result> => {
    if (closed) return Promise.reject(new StoreFailure('the store is closed'))
    // One of them runs.
    if (asked > MOST_WAITING) return Promise.reject(tooManyWait())
    asked++
    const result = last.then(() => {
      if (session?.lives() !== true) session = start()
      return work(session)
    })
    last = result.catch(() => {}).then(() => void asked--)
    return result
  }
  return {
    transaction: (run) => inTurn((open) => inTransaction(open, run)),
    shred: () => inTurn((open) => open.shred()),
    async close() {
      if (closed) return
      closed = true
      await last
      await session?.close()
    },
  }
}

async function inTransaction<Result>(
  session: SqliteSession,
  run: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  // Nobody waits for its answer: what comes after it needs it and fails with it.
  const begun = session.begin()
  begun.catch(() => {})
  try {
    const result = await run(session)
    await session.commit()
    return result
  } catch (error) {
    await session.rollback().catch(() => {})
    await begun
    throw error
  }
}

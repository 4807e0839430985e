// Engine `sqlite:`: node:sqlite in this process. The engine serialises transactions; a commit is on disk before it resolves.
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { BadStore } from './failures.ts'
import { SQLITE_MIGRATIONS } from './migrations/sqlite.ts'
import { SQL, sqliteTransaction } from './sqlite-transaction.ts'
import type { Store, StoreOptions, Transaction } from './store.ts'

/**
 * Opens `path` (`:memory:` for tests and the lab), bringing its schema up to date. `durable` false gives up the last
 * commits on power loss, never on a crash of the process: for data that is thrown away.
 */
export function openSqlite(path: string, durable: boolean, options: StoreOptions = {}): Store {
  const database = new DatabaseSync(path, { timeout: 5000 })
  try {
    database.exec('pragma journal_mode = wal')
    database.exec(`pragma synchronous = ${durable ? 'full' : 'normal'}`)
    database.exec('pragma wal_autocheckpoint = 4000; pragma cache_size = -65536; pragma secure_delete = on')
    migrate(database)
  } catch (error) {
    database.close()
    throw error
  }
  const prepared = Object.fromEntries(
    Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)]),
  ) as Record<keyof typeof SQL, StatementSync>
  const report = options.onStatement
  const statement = (name: keyof typeof SQL) => {
    report?.(name)
    return prepared[name]
  }
  const tx = sqliteTransaction(statement)
  let last: Promise<unknown> = Promise.resolve()
  return {
    transaction(run) {
      const result = last.then(() => inTransaction(database, tx, run, report))
      last = result.catch(() => {})
      return result
    },
    async shred() {
      last = last.then(() => void database.exec('pragma wal_checkpoint(truncate)'))
      await last
    },
    async close() {
      await last
      database.close()
    },
  }
}

async function inTransaction<Result>(
  database: DatabaseSync,
  tx: Transaction,
  run: (tx: Transaction) => Promise<Result>,
  report: StoreOptions['onStatement'],
): Promise<Result> {
  report?.('begin')
  database.exec('begin immediate')
  try {
    const result = await run(tx)
    report?.('commit')
    database.exec('commit')
    return result
  } catch (error) {
    report?.('rollback')
    if (database.isTransaction) database.exec('rollback')
    throw error
  }
}

function migrate(database: DatabaseSync): void {
  // The version is read under the lock of the writer: of two processes that open a new file one migrates.
  database.exec('begin immediate')
  const version = Number(database.prepare('pragma user_version').get()?.['user_version'])
  if (version > SQLITE_MIGRATIONS.length) {
    throw new BadStore(
      `the database is of version ${version}, this program knows ${SQLITE_MIGRATIONS.length}: use a newer one`,
    )
  }
  for (let next = version; next < SQLITE_MIGRATIONS.length; next++) {
    database.exec(`${SQLITE_MIGRATIONS[next]}; pragma user_version = ${next + 1}`)
  }
  database.exec('commit')
}

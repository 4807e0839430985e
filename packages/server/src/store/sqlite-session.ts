// A connection to a database of SQLite, for the thread that opens it.
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { BadStore, StoreFailure } from './failures.ts'
import { SQLITE_MIGRATIONS } from './migrations/sqlite.ts'
import { SQL, sqliteTransaction } from './sqlite-transaction.ts'
import type { StoreOptions, Transaction } from './store.ts'

const BUSY_MILLISECONDS = 5000

export interface SqliteFile {
  readonly path: string
  /** False gives up the last commits on power loss, never on a crash of the process. */
  readonly durable: boolean
}

/** The verbs of its one transaction, and what lies around them. Everything is done in the order in which it was asked for. */
export interface SqliteSession extends Transaction {
  readonly begin: () => Promise<void>
  readonly commit: () => Promise<void>
  readonly rollback: () => Promise<void>
  readonly shred: () => Promise<void>
  readonly close: () => Promise<void>
}

type Asked = (...values: never[]) => Promise<unknown>

/** The names of all that can be asked of a session. */
export const SESSION_VERBS: readonly (keyof SqliteSession)[] = Object.keys(
  verbsOf({ prepared: {} as never, database: {} as never, report: () => {} }),
) as (keyof SqliteSession)[]

/** Opens a database that is of this program's version. What SQLite refuses rejects with a `StoreFailure` without a value. */
export function openSession(file: SqliteFile, options: StoreOptions = {}): SqliteSession {
  const database = open(file)
  const prepared = Object.fromEntries(
    Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)]),
  ) as Prepared
  const verbs = verbsOf({ prepared, database, report: options.onStatement ?? (() => {}) })
  const guarded = (name: string, verb: Asked): Asked => {
    return async (...values) => {
      try {
        return await verb(...values)
      } catch (error) {
        throw failureOf(name, error)
      }
    }
  }
  return Object.fromEntries(
    Object.entries(verbs).map(([name, verb]) => [name, guarded(name, verb as Asked)]),
  ) as unknown as SqliteSession
}

/** Brings the schema of a file up to date. Throws `BadStore` where it cannot be opened, or is of a newer program. */
export function migrateFile(file: SqliteFile): void {
  try {
    open(file).close()
  } catch (error) {
    // Nothing was read yet that its words could hold.
    if ((error as { readonly code?: unknown }).code !== 'ERR_SQLITE_ERROR') throw error
    throw new BadStore((error as Error).message)
  }
}

function open({ path, durable }: SqliteFile): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_MILLISECONDS })
  try {
    database.exec('pragma journal_mode = wal')
    database.exec(`pragma synchronous = ${durable ? 'full' : 'normal'}`)
    database.exec('pragma wal_autocheckpoint = 4000; pragma cache_size = -65536; pragma secure_delete = on')
    migrate(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

type Prepared = Readonly<Record<keyof typeof SQL, StatementSync>>

interface Parts {
  readonly prepared: Prepared
  readonly database: DatabaseSync
  readonly report: (statement: string) => void
}

function verbsOf({ prepared, database, report }: Parts): SqliteSession {
  const statement = (name: keyof typeof SQL) => {
    if (!database.isTransaction) throw new StoreFailure('outside of a transaction')
    report(name)
    return prepared[name]
  }
  return {
    ...sqliteTransaction(statement),
    async begin() {
      report('begin')
      database.exec('begin immediate')
    },
    async commit() {
      report('commit')
      database.exec('commit')
    },
    async rollback() {
      report('rollback')
      if (database.isTransaction) database.exec('rollback')
    },
    async shred() {
      // A backup that reads meanwhile is not waited for, with everybody behind: what it needs of the log goes the next time.
      database.exec('pragma busy_timeout = 0; pragma wal_checkpoint(truncate)')
      database.exec(`pragma busy_timeout = ${BUSY_MILLISECONDS}`)
    },
    async close() {
      database.close()
    },
  }
}

function failureOf(what: string, error: unknown): unknown {
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: number }
  return code === 'ERR_SQLITE_ERROR' ? new StoreFailure(`${what}: SQLite refused with ${errcode}`) : error
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

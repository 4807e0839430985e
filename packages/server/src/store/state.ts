// What a database says about itself, without a change to it: for whoever looks before a start.
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { BadStore } from './failures.ts'
import { POSTGRES_MIGRATIONS } from './migrations/postgres.ts'
import { SQLITE_MIGRATIONS } from './migrations/sqlite.ts'
import { placeOf } from './postgres.ts'
import { connect } from './postgres-connection.ts'
import { type PostgresState, postgresState } from './postgres-state.ts'

export interface StoreState {
  /** Version of its schema; undefined where nothing was set up yet. */
  readonly version: number | undefined
  /** The version that this program brings it to. */
  readonly known: number
  /** When a back-end last ran on it, Unix seconds. */
  readonly lastTime: number | undefined
  /** What holds of PostgreSQL alone. */
  readonly postgres: PostgresState | undefined
}

/** Looks at the store of a URL. Rejects where it cannot be reached, or is none that can be looked at. */
export async function storeState(url: string): Promise<StoreState> {
  if (/^postgres(ql)?:\/\//.test(url)) return ofPostgres(url)
  const path = /^sqlite:(?<path>[^?]+)/.exec(url)?.groups?.['path']
  if (path === undefined || path === ':memory:')
    throw new BadStore('the store ends with its process: nothing to look at')
  return ofSqlite(path)
}

function ofSqlite(path: string): StoreState {
  const known = SQLITE_MIGRATIONS.length
  if (!existsSync(path)) return { version: undefined, known, lastTime: undefined, postgres: undefined }
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
  try {
    const version = Number(database.prepare('pragma user_version').get()?.['user_version'])
    const lastTime = version === 0 ? undefined : database.prepare('select at from last_time').get()?.['at']
    return { version, known, lastTime: lastTime as number | undefined, postgres: undefined }
  } finally {
    database.close()
  }
}

async function ofPostgres(url: string): Promise<StoreState> {
  const postgres = await postgresState(url)
  const known = POSTGRES_MIGRATIONS.length
  const connection = await connect(placeOf(url).url)
  try {
    const look = await connection.run('state', "select to_regclass('schema_version') is not null as there")
    if (look.rows[0]?.['there'] !== true) return { version: undefined, known, lastTime: undefined, postgres }
    const { rows } = await connection.run(
      'state',
      'select version, (select at from last_time) as at from schema_version',
    )
    const [row] = rows as readonly Readonly<Record<string, unknown>>[]
    const lastTime = row?.['at'] === null ? undefined : Number(row?.['at'])
    return { version: Number(row?.['version']), known, lastTime, postgres }
  } finally {
    await connection.close()
  }
}

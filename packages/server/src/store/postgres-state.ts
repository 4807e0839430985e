// What PostgreSQL says about itself: for whoever looks whether commits are as durable as they are meant to be.
import { placeOf } from './postgres.ts'
import { connect } from './postgres-connection.ts'

export interface PostgresState {
  readonly version: number
  /** Settings that durability rests on, by name. */
  readonly settings: Readonly<Record<(typeof SETTINGS)[number], string>>
  /** Standbys that have what is committed before it is answered. */
  readonly standbys: number
  /** Its clock, Unix seconds. */
  readonly clock: number
}

const SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_compression',
  'synchronous_standby_names',
] as const

// Who is not a member of pg_monitor sees the rows of pg_stat_replication without their state, and so no standby.
const LOOK = `select current_setting('server_version_num')::int4 as version, extract(epoch from clock_timestamp())::float8 as clock,
  (select count(*)::int4 from pg_stat_replication where state = 'streaming' and sync_state in ('sync', 'quorum')) as standbys,
  ${SETTINGS.map((name) => `current_setting('${name}') as ${name}`).join(', ')}`

/** Asks the server of a store's URL, over connections of its own. Rejects as the engine does where it cannot be reached. */
export async function postgresState(url: string): Promise<PostgresState> {
  const connection = await connect(placeOf(url).url)
  try {
    const { rows } = await connection.run('state', LOOK)
    const row = rows[0] as unknown as Readonly<Record<string, string | number>>
    return {
      version: Number(row['version']),
      clock: Number(row['clock']),
      standbys: Number(row['standbys']),
      settings: Object.fromEntries(SETTINGS.map((name) => [name, String(row[name])])) as PostgresState['settings'],
    }
  } finally {
    await connection.close()
  }
}

/** Whether what is committed now is on a second machine before it is answered. */
export const hasStandby = ({ settings, standbys }: PostgresState): boolean =>
  settings.synchronous_standby_names !== '' && standbys > 0

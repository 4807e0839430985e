import { type Buckets, bucketsOf } from '../store/buckets.ts'
import { BadStore } from '../store/failures.ts'
import { POSTGRES_MIGRATIONS } from '../store/migrations/postgres.ts'
import type { PostgresPlace } from '../store/postgres.ts'
import { type Connection, connect } from '../store/postgres-connection.ts'
import { prepareSchema } from '../store/postgres-schema.ts'
import type { Place, Snapshot, Target } from './places.ts'
import { EMPTY_AT_FIRST, type Kind, type Row, type Table } from './tables.ts'

const PAGE = 2000

export const postgresPlace = ({ url, bucketBits }: PostgresPlace): Place => ({
  snapshot: () => guarded(url, snapshotOf),
  target: () => guarded(url, (connection) => targetOf(connection, bucketBits)),
})

async function guarded<Result>(url: string, open: (connection: Connection) => Promise<Result>): Promise<Result> {
  const connection = await connect(url)
  try {
    return await open(connection)
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** One transaction that only reads, of the one moment in which it began. */
async function snapshotOf(connection: Connection): Promise<Snapshot> {
  await connection.run('backup', 'begin isolation level repeatable read read only')
  const known = await connection.run('backup', "select to_regclass('schema_version') is not null as known")
  if (!known.rows[0]?.['known']) throw new BadStore('the database holds no store')
  const version = Number((await connection.run('backup', 'select version from schema_version')).rows[0]?.['version'])
  if (version !== POSTGRES_MIGRATIONS.length) {
    throw new BadStore(`the database is of version ${version}, this program of ${POSTGRES_MIGRATIONS.length}`)
  }
  return {
    generation: Number((await connection.run('backup', 'select number from generation')).rows[0]?.['number'] ?? 0),
    async *pages(table) {
      const names = Object.keys(table.columns)
      const order = table.bucketBy === undefined ? table.key : ['bucket', ...table.key]
      await connection.run(
        'backup',
        `declare pages no scroll cursor for select ${quoted(names)} from ${table.name} order by ${quoted(order)}`,
      )
      for (;;) {
        const { rows } = await connection.run('backup', `fetch ${PAGE} from pages`)
        yield rows.map((row) => names.map((name) => row[name]!) as Row)
        if (rows.length < PAGE) break
      }
      await connection.run('backup', 'close pages')
    },
    close: () => connection.close(),
  }
}

/** Every number of the schema fits; the column makes of it what it is. */
const ARRAYS: Readonly<Record<Kind, string>> = { number: 'int8[]', bytes: 'bytea[]', text: 'text[]' }

async function targetOf(connection: Connection, bucketBits: number | undefined): Promise<Target> {
  const buckets = bucketsOf(await prepareSchema(connection, bucketBits))
  return {
    async isEmpty() {
      const some = EMPTY_AT_FIRST.map((name) => `exists (select 1 from ${name})`).join(' or ')
      return !(await connection.run('restore', `select ${some} as some`)).rows[0]?.['some']
    },
    async insert(table, columns, rows) {
      const spread = table.bucketBy === undefined ? [] : [rows.map((row) => bucketOf(buckets, table, columns, row))]
      const names = [...(spread.length === 0 ? [] : ['bucket']), ...columns]
      const arrays = [
        ...spread.map(() => 'int8[]'),
        ...columns.map((column) => ARRAYS[table.columns[column] as Kind]),
      ].map((type, k) => `$${k + 1}::${type}`)
      // One statement is one transaction.
      await connection.query(
        `restore ${table.name}`,
        `insert into ${table.name}(${quoted(names)}) select * from unnest(${arrays.join(', ')})`,
        [...spread, ...columns.map((_, k) => rows.map((row) => row[k]))],
      )
    },
    async finish(generation, at) {
      await connection.run(
        'restore',
        `begin; delete from last_time; insert into last_time(one, at) values (1, ${at});
          insert into generation(one, number) values (1, ${generation}); commit`,
      )
    },
    close: () => connection.close(),
  }
}

function bucketOf(buckets: Buckets, table: Table, columns: readonly string[], row: Row): number {
  const value = row[columns.indexOf(table.bucketBy!)]
  return typeof value === 'number' ? buckets.ofId(value) : buckets.ofBytes(value as Uint8Array)
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')

// Citus spreads tables over several machines: by the bucket, which leads every key that grows with the users and which every statement
// names.
import { BadStore } from './failures.ts'
import { placeOf } from './postgres.ts'
import { type Connection, connect } from './postgres-connection.ts'
import { prepareSchema } from './postgres-schema.ts'

/** Every table with a bucket. The others stay on the coordinator: they grow with patients, not with users. */
export const SPREAD: readonly string[] = [
  'user_key',
  'user_status',
  'exposure',
  'spent_token',
  'item_queue',
  'spent_challenge',
]

/** Fewer buckets than this do not spread evenly. */
const FEWEST_BITS = 6

const statementsFor = (bits: number): readonly string[] =>
  SPREAD.map((table) =>
    table === SPREAD[0]
      ? `select create_distributed_table('${table}', 'bucket', colocate_with => 'none', shard_count => ${2 ** bits})`
      : `select create_distributed_table('${table}', 'bucket', colocate_with => '${SPREAD[0]}')`,
  )

/**
 * The statements that spread a database, its schema made where there is none; with `run` they are run, all or none. Throws where the
 * database was set up with too few buckets, or where there is no Citus.
 */
export async function prepareCitus(url: string, run: boolean): Promise<readonly string[]> {
  const place = placeOf(url)
  const connection = await connect(place.url)
  try {
    const known = await connection.run('citus', "select to_regproc('create_distributed_table') is not null as known")
    if (!known.rows[0]?.['known']) {
      throw new BadStore(
        'the database has no Citus: install it on every node, name it in shared_preload_libraries, restart them, and ' +
          'run "create extension citus" in the database, also on the nodes; then add them with citus_add_node',
      )
    }
    // Looked at before anything is made: bits are fixed with the schema.
    const bits = (await bitsOf(connection)) ?? place.bucketBits ?? 0
    if (bits < FEWEST_BITS) {
      throw new BadStore(
        `the database has ${2 ** bits} buckets: to be spread it needs 64 to 256. Begin with a new one, with ` +
          '?bucketBits=6 (to 8) in its URL, and restore a backup into it',
      )
    }
    await prepareSchema(connection, place.bucketBits)
    const statements = statementsFor(bits)
    if (run) await connection.run('citus', `begin; ${statements.join('; ')}; commit`)
    return statements
  } finally {
    await connection.close()
  }
}

/** The bucket bits of a database that was set up; undefined for a new one. */
async function bitsOf(connection: Connection): Promise<number | undefined> {
  const known = await connection.run('citus', "select to_regclass('schema_version') is not null as known")
  if (!known.rows[0]?.['known']) return undefined
  return (await connection.run('citus', 'select bucket_bits from schema_version')).rows[0]?.['bucket_bits']
}

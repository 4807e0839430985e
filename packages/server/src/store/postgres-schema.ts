import { BadStore } from './failures.ts'
import { POSTGRES_MIGRATIONS, POSTGRES_VERSION_TABLE } from './migrations/postgres.ts'
import { type Connection, WITHOUT_LIMITS } from './postgres-connection.ts'

/** One of the two numbers that an advisory lock takes. */
const LOCK = 0x76_69_63

/**
 * Brings the schema up to date and gives its bucket bits: those it was set up with, `wanted` or none for a new one. Throws where
 * it is of a newer program, or was set up with other bits than are wanted.
 */
export async function prepareSchema(connection: Connection, wanted: number | undefined): Promise<number> {
  // Under the lock: of two processes that open a new database one migrates.
  await connection.run(
    'migrate',
    `begin isolation level read committed; ${WITHOUT_LIMITS}; select pg_advisory_xact_lock(${LOCK})`,
  )
  try {
    const bits = await migrate(connection, wanted)
    await connection.run('migrate', 'commit')
    return bits
  } catch (error) {
    await connection.run('migrate', 'rollback').catch(() => {})
    throw error
  }
}

async function migrate(connection: Connection, wanted: number | undefined): Promise<number> {
  await connection.run('migrate', `set local client_min_messages = warning; ${POSTGRES_VERSION_TABLE}`)
  const row = (await connection.run('migrate', 'select version, bucket_bits from schema_version')).rows[0]
  const version = Number(row?.['version'] ?? 0)
  const bits = Number(row?.['bucket_bits'] ?? wanted ?? 0)
  if (version > POSTGRES_MIGRATIONS.length) {
    throw new BadStore(
      `the database is of version ${version}, this program knows ${POSTGRES_MIGRATIONS.length}: use a newer one`,
    )
  }
  if (wanted !== undefined && wanted !== bits) {
    throw new BadStore(`the database was set up with bucketBits=${bits}: they are fixed for its life`)
  }
  if (version === POSTGRES_MIGRATIONS.length) return bits
  for (const step of POSTGRES_MIGRATIONS.slice(version)) await connection.run('migrate', step)
  const next = POSTGRES_MIGRATIONS.length
  await connection.run(
    'migrate',
    `insert into schema_version(one, version, bucket_bits) values (1, ${next}, ${bits})
      on conflict(one) do update set version = excluded.version`,
  )
  return bits
}

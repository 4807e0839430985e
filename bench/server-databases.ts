// Databases as those for data, durable, each gone with the process: PostgreSQL in a cluster of its own, SQLite in a file.
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openStore, type Store } from '@vicinity/server'
import { connect } from '../packages/server/src/store/postgres-connection.ts'
import { postgresPrograms, startThrowaway } from '../packages/server/src/store/throwaway.ts'

export const ENGINES = ['PostgreSQL', 'SQLite'] as const
export type Engine = (typeof ENGINES)[number]

/** Connections of a store of PostgreSQL: what two processors keep busy. */
export const CONNECTIONS = 4

type ColumnType = 'int2' | 'int4' | 'int8' | 'bytea'
export type Row = readonly (number | Uint8Array)[]

export interface Database {
  readonly store: Store
  /** Past the store, as fast as the engine takes rows. Where the engine has no buckets the column is left out. */
  readonly insert: (table: string, columns: Readonly<Record<string, ColumnType>>, rows: Iterable<Row>) => Promise<void>
  /** Leaves nothing to be tidied up while something is measured. */
  readonly settle: () => Promise<void>
}

export interface Databases {
  readonly open: (name: string) => Promise<Database>
  readonly close: () => Promise<void>
}

/** Undefined where this machine has no such engine. */
export async function databasesOf(engine: Engine): Promise<Databases | undefined> {
  if (engine === 'SQLite') return sqliteFiles()
  return postgresPrograms() === undefined ? undefined : postgresCluster()
}

function sqliteFiles(): Databases {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-bench-'))
  const stores: Store[] = []
  const open = async (name: string): Promise<Database> => {
    const path = join(directory, name)
    const store = openStore(`sqlite:${path}`)
    stores.push(store)
    return {
      store,
      insert: async (table, columns, rows) => {
        const names = Object.keys(columns)
        const bucket = names.indexOf('bucket')
        const kept = names.filter((column) => column !== 'bucket')
        const file = new DatabaseSync(path)
        file.exec('pragma synchronous = off; pragma cache_size = -524288; begin immediate')
        const insert = file.prepare(`insert into ${table}(${kept}) values (${kept.map(() => '?')})`)
        for (const row of rows) insert.run(...row.filter((_, column) => column !== bucket))
        file.exec('commit')
        file.close()
      },
      settle: () => store.shred(),
    }
  }
  const close = async () => {
    await Promise.all(stores.map((store) => store.close()))
    rmSync(directory, { recursive: true, force: true })
  }
  return { open, close }
}

async function postgresCluster(): Promise<Databases> {
  const server = await startThrowaway(true)
  const stores: Store[] = []
  const open = async (name: string): Promise<Database> => {
    await once(server.url, `create database ${name}`)
    const url = server.url.replace('/postgres?', `/${name}?`)
    const store = openStore(`${url}&connections=${CONNECTIONS}`)
    stores.push(store)
    await store.transaction((tx) => tx.queuedWindows())
    return {
      store,
      insert: (table, columns, rows) => copy(url, table, columns, rows),
      settle: () => once(url, 'vacuum analyze', 'checkpoint'),
    }
  }
  const close = async () => {
    await Promise.all(stores.map((store) => store.close()))
    await server.stop()
  }
  return { open, close }
}

async function once(url: string, ...statements: readonly string[]): Promise<void> {
  const connection = await connect(url)
  await connection.run('bench', 'set statement_timeout = 0')
  for (const statement of statements) await connection.run('bench', statement)
  await connection.close()
}

const SIGNATURE = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
const WIDTH = { int2: 2, int4: 4, int8: 8 } as const
const CHUNK = 2 ** 20

/** COPY of a file in its binary form, which the server, on this machine, reads by itself. */
async function copy(
  url: string,
  table: string,
  columns: Readonly<Record<string, ColumnType>>,
  rows: Iterable<Row>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-bench-'))
  chmodSync(directory, 0o755)
  const path = join(directory, 'rows')
  const file = openSync(path, 'w', 0o644)
  const types = Object.values(columns)
  writeSync(file, SIGNATURE)
  const chunk = Buffer.alloc(CHUNK + 4096)
  let used = 0
  for (const row of rows) {
    used = writeRow(chunk, used, types, row)
    if (used > CHUNK) used -= writeSync(file, chunk, 0, used)
  }
  used = chunk.writeInt16BE(-1, used)
  writeSync(file, chunk, 0, used)
  closeSync(file)
  await once(url, `copy ${table}(${Object.keys(columns).map((name) => `"${name}"`)}) from '${path}' (format binary)`)
  rmSync(directory, { recursive: true })
}

function writeRow(chunk: Buffer, from: number, types: readonly ColumnType[], row: Row): number {
  let at = chunk.writeInt16BE(types.length, from)
  for (const [column, type] of types.entries()) {
    const value = row[column]!
    if (typeof value !== 'number') {
      at = chunk.writeInt32BE(value.length, at)
      chunk.set(value, at)
      at += value.length
    } else if (type !== 'bytea') {
      at = chunk.writeInt32BE(WIDTH[type], at)
      at = type === 'int8' ? chunk.writeBigInt64BE(BigInt(value), at) : chunk.writeIntBE(value, at, WIDTH[type])
    }
  }
  return at
}

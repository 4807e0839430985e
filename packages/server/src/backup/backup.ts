// Backup, verification and restoring of a store, whatever its engine.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DAY_SECONDS, type Random, toHex, type UnixSeconds } from '@vicinity/protocol'
import { generationOf, raiseGeneration } from '../keys/generation.ts'
import type { KeyFiles } from '../keys/key-files.ts'
import { BadStore } from '../store/failures.ts'
import type { Store } from '../store/store.ts'
import { markOf, marksIn } from '../tombstones.ts'
import { RowCheck } from './check.ts'
import type { Place, Snapshot, Target } from './places.ts'
import { decodeRows, encodeRow } from './rows.ts'
import { BadBackup, type ChunkWriter, readChunks, writeChunks } from './sealed-file.ts'
import { type Kind, type Row, TABLES, type Table, tableOf } from './tables.ts'

/** The first bytes of a chunk. */
const MANIFEST = 0
const ROWS = 1
const END = 2

const CHUNK = 2 ** 18

/** How far a copy has come: rows of a table. */
export type Progress = (table: string, rows: number) => void

export interface Summary {
  readonly generation: number
  readonly at: UnixSeconds
  readonly setUp: string
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>
}

interface Manifest {
  readonly generation: number
  readonly at: UnixSeconds
  /** Tables in their order, with the columns of their rows in theirs. */
  readonly tables: readonly { readonly name: string; readonly columns: Readonly<Record<string, Kind>> }[]
}

const jsonChunk = (kind: number, value: unknown) => Buffer.concat([Buffer.of(kind), Buffer.from(JSON.stringify(value))])
const jsonOf = (chunk: Buffer): unknown => JSON.parse(chunk.toString('utf8', 1))

export interface BackupInput {
  readonly place: Place
  readonly path: string
  readonly key: Uint8Array
  readonly random: Random
  readonly at: UnixSeconds
  readonly progress: Progress
}

/** Writes a backup of a database, which may be in use; the file is whole or not there. Keeps some rows in memory. */
export async function backUp({ place, path, key, random, at, progress }: BackupInput): Promise<Summary> {
  if (existsSync(path)) throw new BadBackup('there is a file of this name already')
  const unfinished = `${path}.unfinished`
  rmSync(unfinished, { force: true })
  const snapshot = await place.snapshot()
  try {
    const writer = writeChunks(unfinished, key, random)
    try {
      const summary = await writeAll(writer, snapshot, at, progress)
      renameSync(unfinished, path)
      const directory = openSync(dirname(path), 'r')
      fsyncSync(directory)
      closeSync(directory)
      return summary
    } finally {
      writer.close()
      rmSync(unfinished, { force: true })
    }
  } finally {
    await snapshot.close()
  }
}

async function writeAll(writer: ChunkWriter, snapshot: Snapshot, at: UnixSeconds, progress: Progress) {
  const { generation } = snapshot
  const tables = TABLES.map(({ name, columns }) => ({ name, columns }))
  writer.write(jsonChunk(MANIFEST, { generation, at, tables } satisfies Manifest))
  const rows: Record<string, number> = {}
  let setUp = ''
  for (const [index, table] of TABLES.entries()) {
    const kinds = Object.values(table.columns)
    let count = 0
    let parts: Buffer[] = []
    let size = 0
    const flush = () => {
      if (parts.length > 0) writer.write(Buffer.concat([Buffer.of(ROWS, index), ...parts]))
      ;[parts, size] = [[], 0]
    }
    for await (const page of snapshot.pages(table)) {
      for (const row of page) {
        if (table.name === 'set_up') setUp = String(row[1])
        const bytes = encodeRow(kinds, row)
        parts.push(bytes)
        size += bytes.length
        if (size >= CHUNK) flush()
      }
      count += page.length
      progress(table.name, count)
    }
    flush()
    rows[table.name] = count
  }
  writer.end(jsonChunk(END, { rows }))
  return { generation, at, setUp, rows }
}

/** What a chunk of rows holds. */
interface ReadRows {
  readonly table: Table
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
}

/** Reads a backup to its end and checks every chunk, every count, and that its rows fit together. Throws `BadBackup`. */
export function verifyBackup(path: string, key: Uint8Array, progress: Progress): Summary {
  const check = new RowCheck()
  const chunks = readBackup(path, key)
  const counts: Record<string, number> = {}
  for (;;) {
    const next = chunks.next()
    if (next.done === true) {
      check.end()
      const { generation, at, rows } = next.value
      if (Object.entries(rows).some(([name, count]) => (counts[name] ?? 0) !== count)) {
        throw new BadBackup('the backup does not hold as many rows as it says')
      }
      return { generation, at, setUp: check.setUp, rows }
    }
    const { table, rows } = next.value
    for (const row of rows) check.see(table, row)
    counts[table.name] = (counts[table.name] ?? 0) + rows.length
    progress(table.name, counts[table.name]!)
  }
}

type End = Omit<Manifest, 'tables'> & Pick<Summary, 'rows'>

function* readBackup(path: string, key: Uint8Array): Generator<ReadRows, End> {
  let manifest: Manifest | undefined
  let end: Pick<Summary, 'rows'> | undefined
  for (const chunk of readChunks(path, key)) {
    if (chunk[0] === MANIFEST) manifest = jsonOf(chunk) as Manifest
    else if (chunk[0] === END) end = jsonOf(chunk) as Pick<Summary, 'rows'>
    else yield rowsOf(manifest, chunk)
  }
  if (manifest === undefined || end === undefined) throw new BadBackup('the backup has no beginning or no end')
  return { generation: manifest.generation, at: manifest.at, rows: end.rows }
}

function rowsOf(manifest: Manifest | undefined, chunk: Buffer): ReadRows {
  const held = manifest?.tables[chunk[1]!]
  const table = held === undefined ? undefined : tableOf(held.name)
  const columns = Object.keys(held?.columns ?? {})
  if (held === undefined || table === undefined || columns.some((name) => !Object.hasOwn(table.columns, name))) {
    throw new BadBackup('the backup is of a newer program: use that one')
  }
  return { table, columns, rows: [...decodeRows(Object.values(held.columns), chunk.subarray(2))] }
}

export interface RestoreInput {
  readonly place: Place
  readonly path: string
  readonly key: Uint8Array
  readonly keyFiles: KeyFiles
  /** Directories of tombstones, of every server of the back-end, and for how many days they remember. */
  readonly departed: readonly string[]
  readonly days: number
  readonly at: UnixSeconds
  /** Called with the new generation before anything takes effect. */
  readonly before: (generation: number) => void
  /** A drill: the keys keep their generation, and the database is never served. */
  readonly rehearsed?: boolean
  readonly progress: Progress
}

export interface Restored extends Summary {
  /** Users of the backup who left since, and stay away. */
  readonly left: number
  /** Queued items that stay away because the key of their window was destroyed. */
  readonly unreadable: number
}

/** The generation of a drill: no keys have it. */
const NEVER_SERVED = -1

/**
 * Restores a backup into an empty database. Of who left since nothing is restored. The generation is one more than that of the backup and
 * of the keys: the keys have it first and the database last, so that one whose restore broke off is never served.
 */
export async function restore(input: RestoreInput): Promise<Restored> {
  const { place, path, key, keyFiles, progress } = input
  const summary = verifyBackup(path, key, () => {})
  if (input.at - summary.at > input.days * DAY_SECONDS) {
    throw new BadBackup(
      `the backup is older than ${input.days} days: it would bring back who left, and nobody remembers them`,
    )
  }
  const target = await place.target()
  try {
    if (!(await target.isEmpty())) {
      throw new BadStore('the database is not empty: a backup is restored into a new one')
    }
    const generation =
      input.rehearsed === true ? NEVER_SERVED : 1 + Math.max(summary.generation, generationOf(keyFiles))
    if (generation !== NEVER_SERVED) {
      input.before(generation)
      raiseGeneration(keyFiles, generation)
    }
    const hasLeft = hasLeftBy(keyFiles, input.departed)
    const names = new Set(keyFiles.names())
    const isReadable = (window: number) => names.has(`intake-${window}`)
    const staying = await insertAll(target, readBackup(path, key), { hasLeft, isReadable }, progress)
    await target.finish(generation, input.at)
    return { ...summary, generation, ...staying }
  } finally {
    await target.close()
  }
}

const OF_USERS: readonly string[] = ['user_key', 'user_status', 'exposure']

async function insertAll(
  target: Target,
  chunks: Iterable<ReadRows>,
  { hasLeft, isReadable }: { hasLeft: (id: number) => boolean; isReadable: (window: number) => boolean },
  progress: Progress,
): Promise<Pick<Restored, 'left' | 'unreadable'>> {
  const counts = new Map<string, number>()
  let [left, unreadable] = [0, 0]
  for (const { table, columns, rows } of chunks) {
    const [id, window] = [columns.indexOf('id'), columns.indexOf('window')]
    let staying = rows
    if (OF_USERS.includes(table.name)) staying = rows.filter((row) => !hasLeft(row[id] as number))
    if (table.name === 'item_queue') staying = rows.filter((row) => isReadable(row[window] as number))
    if (table.name === 'user_key') left += rows.length - staying.length
    if (table.name === 'item_queue') unreadable += rows.length - staying.length
    await target.insert(table, columns, staying)
    counts.set(table.name, (counts.get(table.name) ?? 0) + rows.length)
    progress(table.name, counts.get(table.name)!)
  }
  return { left, unreadable }
}

/** Whether somebody left, by the tombstones. Without their key nobody ever left. */
function hasLeftBy(keyFiles: KeyFiles, directories: readonly string[]): (id: number) => boolean {
  const marks = marksIn(directories)
  const key = keyFiles.read('tombstone')
  if (marks.size === 0) return () => false
  if (key === undefined)
    throw new BadStore('the key tombstone is missing: this is not the key directory of the tombstones')
  return (id) => marks.has(toHex(markOf(key, id)))
}

export type AdoptInput = Pick<RestoreInput, 'place' | 'keyFiles' | 'departed' | 'at' | 'before'> & {
  readonly store: Store
}

/** Takes a database as it is, an old copy or a new one: who left by the tombstones is removed, and it is of a new generation. */
export async function adopt({ place, store, keyFiles, departed, at, before }: AdoptInput) {
  const hasLeft = hasLeftBy(keyFiles, departed)
  const generation = 1 + Math.max(await store.transaction((tx) => tx.generation()), generationOf(keyFiles))
  before(generation)
  raiseGeneration(keyFiles, generation)
  const snapshot = await place.snapshot()
  let left = 0
  try {
    for await (const page of snapshot.pages(tableOf('user_key')!)) {
      const ids = page.map((row) => row[0] as number).filter(hasLeft)
      if (ids.length > 0) await store.transaction((tx) => tx.removeUsers(ids))
      left += ids.length
    }
  } finally {
    await snapshot.close()
  }
  await store.transaction(async (tx) => {
    await tx.noteTime(at)
    await tx.setGeneration(generation)
  })
  return { generation, left }
}

// Where rows are copied from and to, beside the store's own verbs.

import type { UnixSeconds } from '@vicinity/protocol'
import { BadStore } from '../store/failures.ts'
import { placeOf } from '../store/postgres.ts'
import { postgresPlace } from './postgres-rows.ts'
import { sqlitePlace } from './sqlite-rows.ts'
import type { Row, Table } from './tables.ts'

/** A database as it was at one moment, however long the reading takes. */
export interface Snapshot {
  readonly generation: number
  /** All rows of a table in the order of its key, some at a time. */
  readonly pages: (table: Table) => AsyncIterable<readonly Row[]>
  readonly close: () => Promise<void>
}

/** A database that takes rows. */
export interface Target {
  /** Whether no table holds a row. */
  readonly isEmpty: () => Promise<boolean>
  /** One transaction. `columns` are some of the table's. */
  readonly insert: (table: Table, columns: readonly string[], rows: readonly Row[]) => Promise<void>
  /** The last act: the database is of a generation and a time from here on. */
  readonly finish: (generation: number, at: UnixSeconds) => Promise<void>
  readonly close: () => Promise<void>
}

export interface Place {
  readonly snapshot: () => Promise<Snapshot>
  /** Brings the schema up to date. */
  readonly target: () => Promise<Target>
}

/** The place of a store's URL. Throws where a copy of it has no meaning. */
export function placeOfStore(url: string): Place {
  if (/^postgres(ql)?:\/\//.test(url)) return postgresPlace(placeOf(url))
  const path = /^sqlite:(?<path>[^?]+)(\?synchronous=normal)?$/.exec(url)?.groups?.['path']
  if (path === undefined || path === ':memory:') {
    throw new BadStore('a backup is of sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME')
  }
  return sqlitePlace(path)
}

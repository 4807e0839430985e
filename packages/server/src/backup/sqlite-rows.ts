import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { BadStore } from '../store/failures.ts'
import { SQLITE_MIGRATIONS } from '../store/migrations/sqlite.ts'
import { migrateFile } from '../store/sqlite-session.ts'
import type { Place, Snapshot, Target } from './places.ts'
import { EMPTY_AT_FIRST, type Row, type Table } from './tables.ts'

const PAGE = 1000
const BUSY_MILLISECONDS = 5000

export const sqlitePlace = (path: string): Place => ({
  snapshot: async () => snapshotOf(path),
  target: async () => targetOf(path),
})

/** A connection of its own, whose one transaction only reads: writers go on, and what they write is not seen. */
function snapshotOf(path: string): Snapshot {
  if (!existsSync(path)) throw new BadStore('there is no database at this path')
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MILLISECONDS })
  database.exec('begin')
  const version = Number(database.prepare('pragma user_version').get()?.['user_version'])
  if (version !== SQLITE_MIGRATIONS.length) {
    database.close()
    throw new BadStore(`the database is of version ${version}, this program of ${SQLITE_MIGRATIONS.length}`)
  }
  return {
    generation: Number(database.prepare('select number from generation').get()?.['number'] ?? 0),
    async *pages(table) {
      const all = database.prepare(`select ${namesOf(table)} from ${table.name} order by ${quoted(table.key)}`)
      all.setReturnArrays(true)
      let page: Row[] = []
      for (const row of all.iterate()) {
        page.push(row as unknown as Row)
        if (page.length < PAGE) continue
        yield page
        page = []
      }
      yield page
    },
    close: async () => database.close(),
  }
}

function targetOf(path: string): Target {
  migrateFile({ path, durable: true })
  const database = new DatabaseSync(path, { timeout: BUSY_MILLISECONDS })
  database.exec('pragma synchronous = full; pragma cache_size = -262144')
  return {
    async isEmpty() {
      return EMPTY_AT_FIRST.every((name) => database.prepare(`select 1 from ${name} limit 1`).get() === undefined)
    },
    async insert(table, columns, rows) {
      const values = columns.map(() => '?').join(', ')
      const insert = database.prepare(`insert into ${table.name}(${quoted(columns)}) values (${values})`)
      database.exec('begin immediate')
      try {
        for (const row of rows) insert.run(...row)
        database.exec('commit')
      } catch (error) {
        database.exec('rollback')
        throw error
      }
    },
    async finish(generation, at) {
      database.exec(`begin immediate; delete from last_time; insert into last_time(one, at) values (1, ${at});
        insert into generation(one, number) values (1, ${generation}); commit`)
    },
    close: async () => database.close(),
  }
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')
const namesOf = (table: Table): string => quoted(Object.keys(table.columns))

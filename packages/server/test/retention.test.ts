import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DAY_SECONDS } from '@vicinity/protocol'
import { memoryFiles } from '../src/export-files.ts'
import { DEFAULT_GAEN_SETTINGS } from '../src/gaen-settings.ts'
import { jobsOf } from '../src/jobs.ts'
import { RETENTION, retentionText } from '../src/retention.ts'
import { openStore } from '../src/store/open.ts'
import { backEnd, countRows, NOON } from './fixture.ts'
import { throwawayDatabases } from './postgres-fixture.ts'

const PAGE = fileURLToPath(new URL('../../../docs/retention.md', import.meta.url))
const databases = await throwawayDatabases((run) => after(run))

/** Every column that the table knows of, as `table.column`. */
const known = (postgres: boolean): string[] =>
  Object.entries(RETENTION)
    .filter(([, { onlyPostgres }]) => postgres || onlyPostgres !== 'table')
    .flatMap(([table, { columns, onlyPostgres }]) =>
      Object.keys(columns)
        .filter((column) => postgres || !(onlyPostgres ?? []).includes(column))
        .map((column) => `${table}.${column}`),
    )
    .sort()

function columnsOfSqlite(path: string): { table: string; column: string; type: string }[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database
    .prepare(
      `select m.name as tables, c.name as columns, c.type as types from sqlite_master m, pragma_table_info(m.name) c
        where m.type = 'table' and m.name not like 'sqlite_%'`,
    )
    .all()
  database.close()
  return rows.map((row) => ({
    table: `${row['tables']}`,
    column: `${row['columns']}`,
    type: `${row['types']}`.toLowerCase(),
  }))
}

test('every column of SQLite has its row in the retention table, and every row its column', async (t) => {
  const { path } = await backEnd(t)
  assert.deepEqual(
    columnsOfSqlite(path)
      .map(({ table, column }) => `${table}.${column}`)
      .sort(),
    known(false),
  )
})

test('every column of PostgreSQL has its row in the retention table, and every row its column', async (t) => {
  if (databases.without !== false) return t.diagnostic(databases.without)
  const url = await databases.newDatabase()
  const store = openStore(url)
  t.after(() => store.close())
  await store.transaction((tx) => tx.lastTime())
  const rows = await databases.run(
    url,
    'select table_name, column_name from information_schema.columns where table_schema = current_schema()',
  )
  assert.deepEqual(rows.map((row) => `${row['table_name']}.${row['column_name']}`).sort(), known(true))
})

/** Without invented keys, which take a while. */
const { keyServer, verification } = DEFAULT_GAEN_SETTINGS
const gaen = { verification, keyServer: { ...keyServer, exports: { ...keyServer.exports, padding: undefined } } }

/** A table whose rows have an age: one row that is just old enough to go, and one that may stay. */
for (const [table, { age, erasedBy }] of Object.entries(RETENTION)) {
  if (age === undefined) continue
  test(`what is too old in ${table} is gone after the next turn of its eraser, what is not stays (T-56)`, async (t) => {
    const server = await backEnd(t, { settings: { gaen } })
    const deps = { ...server.deps, exportFiles: memoryFiles() }
    const job = jobsOf(deps).find(({ name }) => name === erasedBy)
    assert.notEqual(job, undefined, `${erasedBy} is a job`)
    const at = Math.floor((NOON - age.seconds) / age.unit)
    const [old, young] = [at - 1, at + Math.ceil(DAY_SECONDS / age.unit)]
    const database = new DatabaseSync(server.path)
    t.after(() => database.close())
    const columns = columnsOfSqlite(server.path).filter((column) => column.table === table)
    const insert = database.prepare(
      `insert into ${table}(${columns.map(({ column }) => column).join(', ')}) values (${columns.map(() => '?').join(', ')})`,
    )
    for (const [n, time] of [old, young].entries()) {
      // `ends` of a window lies after its beginning, and both are its age.
      const values = columns.map(({ column, type }) => {
        if (column === age.column) return time
        if (type === 'integer') return table === 'export_window' && column === 'starts' ? time - 1 : n
        return type === 'blob' ? new Uint8Array(16).fill(n + 1) : `text ${n}`
      })
      insert.run(...values)
    }
    assert.equal(countRows(server.path, table), 2)
    // An item whose key is missing is told of as well.
    await job!.run(deps, NOON).catch(() => {})
    const left = database
      .prepare(`select ${age.column} as time from ${table}`)
      .all()
      .map((row) => Number(row['time']))
    assert.ok(!left.includes(old))
    assert.ok(left.includes(young))
  })
}

test('docs/retention.md is what the table says', () => {
  if (process.env['VICINITY_WRITE_DOCS'] !== undefined) writeFileSync(PAGE, retentionText())
  assert.equal(readFileSync(PAGE, 'utf8'), retentionText(), 'VICINITY_WRITE_DOCS=1 makes it anew')
})

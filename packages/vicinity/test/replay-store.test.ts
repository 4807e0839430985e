// The same replay on every store of `--store`.
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from './command.ts'

const directory = mkdtempSync(join(tmpdir(), 'replay-'))
const trace = join(directory, 'trace.csv')
writeFileSync(trace, 't,i,j\n60,1,2\n120,1,2\n180,3,4\n')
const replay = (store: string) =>
  run(['lab', 'replay', trace, '--declare', '1', '--protocol', 'both', '--json', '--store', store])
const withoutSeconds = (text: string) => text.replace(/"seconds":[\d.]+/, '')

const memory = await replay('sqlite::memory:')

test('lab replay --store gives the same JSON in a file as in memory, and a store is for one replay', async () => {
  const store = `sqlite:${join(directory, 'vicinity.db')}`
  const inFile = await replay(store)
  assert.deepEqual([inFile.code, withoutSeconds(inFile.out)], [0, withoutSeconds(memory.out)])
  assert.deepEqual(JSON.parse(inFile.out).exposedIds, [2])
  const again = await replay(store)
  assert.equal(again.code, 1)
  assert.match(again.error, /vicinity: the store has been used: a replay begins with an empty one\n$/)
})

const inPostgres = await replay('postgres:throwaway')
const none = /no PostgreSQL 15 or later on this machine: install it .*/.exec(inPostgres.error)?.[0]
const skip = process.env['CI'] ? false : (none ?? false)

test('lab replay --store postgres:throwaway gives the same JSON as sqlite::memory:', { skip }, async () => {
  assert.deepEqual([inPostgres.code, withoutSeconds(inPostgres.out)], [0, withoutSeconds(memory.out)])
})

test('a store that cannot be used is told in one line, without the password', async () => {
  for (const [store, words] of [
    ['mysql://me:secret@here', /^vicinity: unknown store: use sqlite:PATH, .* or postgres:throwaway\n$/],
    ['postgres://me:secret@127.0.0.1:1/db', /vicinity: PostgreSQL cannot be reached \(ECONNREFUSED\): check .*\n$/],
    [`sqlite:${join(directory, 'none', 'vicinity.db')}`, /^vicinity: unable to open database file\n$/],
  ] as const) {
    const { code, error } = await replay(store)
    assert.equal(code, 1)
    assert.match(error, words)
    assert.equal(error.includes('secret'), false)
  }
})

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { ROOT, readSource, sourcesIn } from './source.ts'
import { namesTest } from './titles.ts'

const ROWS = 72
/** How many rows may wait. More is a step back, to be taken on purpose. */
const MOST_LATER = 10

interface Threat {
  readonly id: string
  readonly state: string
  readonly where: readonly string[]
  /** Titles, and files of tests whose titles are made while they run. */
  readonly titles: readonly string[]
  readonly files: readonly string[]
  readonly left: string
}

const quoted = (cell: string, pattern: RegExp): string[] => [...cell.matchAll(pattern)].map(([, text]) => text!)

function rowOf(line: string): Threat {
  const [, id = '', , state = '', where = '', tests = '', left = ''] = line.split('|').map((cell) => cell.trim())
  return {
    id,
    state,
    where: quoted(where, /`([^`]+)`/g),
    titles: quoted(tests, /“([^”]+)”/g),
    files: quoted(tests, /`([^`]+)`/g),
    left,
  }
}

const rows = readSource('docs/threats.md')
  .text.split('\n')
  .filter((line) => /^\| T-\d/.test(line))
  .map(rowOf)

function faults({ id, state, where, titles, files, left }: Threat): string[] {
  const gone = [...where, ...files].filter((path) => !existsSync(`${ROOT}${path}`))
  const unknown = titles.filter((title) => !namesTest(title))
  const isBare = state !== 'later' && (where.length === 0 || titles.length + files.length === 0)
  const isVague = !['stopped', 'in part', 'later'].includes(state) || (state !== 'stopped' && left === '')
  return [
    ...gone,
    ...unknown,
    ...(isBare ? ['has no code or no test'] : []),
    ...(isVague ? ['says not what is left'] : []),
  ].map((fault) => `${id}: ${fault}`)
}

test('threats: every row stands once, in order', () => {
  const ids = Array.from({ length: ROWS }, (_, k) => `T-${String(k + 1).padStart(2, '0')}`)
  assert.deepEqual(
    rows.map(({ id }) => id),
    ids,
  )
  assert.ok(rows.filter(({ state }) => state === 'later').length <= MOST_LATER)
})

test('threats: every file and every test title that a row names exists', () => {
  assert.deepEqual(rows.flatMap(faults), [])
})

test('threats: a row that a test was written for is not left to later', () => {
  const numbered = sourcesIn('packages/*/test/**/*.ts', 'test/{stories,model,browser,kit}/**/*.ts').flatMap(
    ({ text }) => quoted(text, /\b(T-\d\d)\b/g),
  )
  const states = new Map(rows.map(({ id, state }) => [id, state]))
  assert.ok(numbered.length > 30)
  assert.deepEqual(
    [...new Set(numbered)].filter((id) => (states.get(id) ?? 'later') === 'later'),
    [],
  )
})

test('threats: planted rows that name what does not exist are found', () => {
  const row = '| T-01 | x | stopped | `packages/none.ts` | “no such title at all” |  |'
  assert.equal(faults(rowOf(row)).length, 2)
  assert.equal(faults(rowOf('| T-01 | x | stopped |  |  |  |')).length, 1)
  assert.equal(faults(rowOf('| T-01 | x | later |  |  |  |')).length, 1)
  assert.deepEqual(faults(rowOf('| T-01 | x | later |  |  | all of it |')), [])
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { render, type Statement, statements } from '../../scripts/conformance.ts'
import { namesTest } from './titles.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8')
/** What later work may still bring. Everything else is carried and tested. */
const LATER = ['federation', 'unlinkable upload', 'security module and audit']

/** The steps that must not be forgotten. */
const STEPS = [
  ...[1, 2, 3, 4].map((step) => `§5.2 step ${step}`),
  ...Array.from({ length: 10 }, (_, k) => `§6.2 step ${k + 1}`),
  ...Array.from({ length: 8 }, (_, k) => `§7 step ${k + 1}`),
]

function faults({ id, where, tests: titles, later }: Statement): string[] {
  const missing = where.filter((place) => {
    const [path = '', name = ''] = place.split('#')
    return !new RegExp(
      `(?:function\\*?|const|class|interface|type|readonly|get|async)\\s+${name}\\b|^\\s+${name}\\(`,
      'm',
    ).test(read(path))
  })
  const unknown = titles.filter((title) => !namesTest(title))
  const bare = later === undefined && (where.length === 0 || titles.length === 0) ? ['has no code or no test'] : []
  const vague = later === undefined || LATER.includes(later) ? [] : [`waits for ${later}`]
  return [...missing, ...unknown, ...bare, ...vague].map((fault) => `${id}: ${fault}`)
}

test('conformance: every function and every test title that it names exists', () => {
  assert.deepEqual(statements().flatMap(faults), [])
})

test('conformance: planted names and titles that do not exist are found', () => {
  const planted = {
    id: 'x',
    statement: 's',
    where: ['packages/protocol/src/time.ts#noSuch'],
    tests: ['no such title at all'],
  }
  assert.equal(faults(planted).length, 2)
  assert.equal(faults({ id: 'x', statement: 's', where: [], tests: [] }).length, 1)
  assert.equal(faults({ id: 'x', statement: 's', where: [], tests: [], later: 'some day' }).length, 1)
})

test('conformance: every step of §5.2, §6.2 and §7 has a row, and no row stands twice', () => {
  const ids = statements().map(({ id }) => id)
  assert.deepEqual(
    STEPS.filter((step) => !ids.includes(step)),
    [],
  )
  assert.equal(new Set(ids).size, ids.length)
})

test('conformance: the document is current', () => {
  assert.equal(read('docs/conformance.md'), render(statements()))
})

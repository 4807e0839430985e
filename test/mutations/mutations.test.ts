// Tests of the tests: every step of the specification in the list is broken once, and some test must notice it. Long, so it
// runs where CI or VICINITY_MUTATIONS=1 is set; that the list fits the code is checked always.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { MUTATIONS } from './all.ts'
import type { Mutation } from './mutation.ts'
import { isOpinion, makeCopy, mutated, placesOf, ROOT, removeCopy, runTests, tryMutation, type Verdict } from './run.ts'

const LEAST = 36
const AT_ONCE = 2
const PATIENCE = 400_000

const titleOf = ({ step, breaks }: Mutation): string => `${step}: ${breaks}`

test(`there are at least ${LEAST} mutations, in the protocol, the phone and the flows, no two alike`, () => {
  assert.ok(MUTATIONS.length >= LEAST)
  for (const part of ['protocol/src/robert/', 'protocol/src/upload/', 'client/src/', 'server/src/flows/']) {
    assert.ok(
      MUTATIONS.some(({ file }) => file.startsWith(`packages/${part}`)),
      part,
    )
  }
  assert.equal(new Set(MUTATIONS.map(titleOf)).size, MUTATIONS.length)
  assert.equal(new Set(MUTATIONS.map(({ file, before, after }) => `${file} ${before} ${after}`)).size, MUTATIONS.length)
})

test('the line of every mutation stands once in its file, becomes another, and is watched by tests that exist', () => {
  const texts = new Map<string, string>()
  const textOf = (file: string): string => {
    const text = texts.get(file) ?? readFileSync(join(ROOT, file), 'utf8')
    texts.set(file, text)
    return text
  }
  const wrong = MUTATIONS.filter(({ file, before, after, tests }) => {
    const once = placesOf(textOf(file), before).length === 1
    return !once || before === after || tests.length === 0 || !tests.every((path) => existsSync(join(ROOT, path)))
  })
  assert.deepEqual(
    wrong.map(({ file, before }) => `${file}: ${before}`),
    [],
  )
})

test('a line is broken with its indentation kept, and nothing else changes', () => {
  assert.equal(mutated('a\n  b$1\nc', { before: 'b$1', after: '$&d' }), 'a\n  $&d\nc')
  assert.throws(() => mutated('a\nb', { before: 'c', after: 'd' }))
})

function table(rows: readonly (readonly [Mutation, Verdict])[]): string {
  const lines = rows.map(([mutation, { first, seconds }]) =>
    [mutation.breaks, mutation.step, first, seconds.toFixed(1)].join(' | '),
  )
  return ['mutation | step | caught by | seconds', ...lines].join('\n')
}

function noticesAll(): void {
  const copies: string[] = []
  const free: string[] = []
  const rows: [Mutation, Verdict][] = []
  before(async () => {
    for (let n = 0; n < AT_ONCE; n++) copies.push(makeCopy())
    free.push(...copies)
    // Half of the files in each copy.
    const files = [...new Set(MUTATIONS.flatMap(({ tests }) => tests))]
    const halves = copies.map((copy, n) =>
      runTests(
        copy,
        files.filter((_, k) => k % AT_ONCE === n),
      ),
    )
    for (const half of await Promise.all(halves))
      assert.ok(half.passed, `unbroken, a test fails: ${half.first}\n${half.output}`)
  })
  after(() => {
    copies.forEach(removeCopy)
    console.log(table(rows))
  })
  for (const mutation of MUTATIONS) {
    test(`noticed: ${titleOf(mutation)}`, { timeout: PATIENCE }, async () => {
      const copy = free.pop()
      assert.ok(copy !== undefined, 'a copy for each that runs')
      const verdict = await tryMutation(copy, mutation).finally(() => free.push(copy))
      rows.push([mutation, verdict])
      assert.ok(!verdict.passed, `nobody noticed it in ${mutation.tests.join(', ')}`)
      assert.ok(isOpinion(verdict.first), `no test could say anything: ${verdict.output}`)
    })
  }
}

if (process.env['VICINITY_MUTATIONS'] === '1' || process.env['CI']) {
  describe('broken lines', { concurrency: AT_ONCE, timeout: PATIENCE }, noticesAll)
}

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { namesTest } from './titles.ts'

const text = readFileSync(fileURLToPath(new URL('../../docs/divergences.md', import.meta.url)), 'utf8')
const entries = text.split(/^(?=## \d+\.)/m).slice(1)

/** Decided by leaving something out: there is nothing to run. */
const LEFT_OUT = [10, 11]

const number = (entry: string) => Number(/^## (\d+)/.exec(entry)?.[1])
const titlesIn = (entry: string) =>
  [...(/^- Tests: (.*)$/m.exec(entry)?.[1] ?? '').matchAll(/"((?:[^"])*)"|'((?:[^'])*)'/g)].map(
    ([, a, b]) => a ?? b ?? '',
  )

test('divergences are numbered without a gap', () => {
  assert.deepEqual(
    entries.map(number),
    entries.map((_, k) => k + 1),
  )
})

test('each divergence names tests that exist, but for what is left out', () => {
  for (const entry of entries) {
    const titles = titlesIn(entry)
    assert.equal(titles.length > 0, !LEFT_OUT.includes(number(entry)), `entry ${number(entry)}`)
    assert.deepEqual(
      titles.filter((title) => !namesTest(title)),
      [],
      `entry ${number(entry)}`,
    )
  }
})

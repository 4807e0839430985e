// Our own vectors, made by the second implementation, against the implementation that we ship.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { decisionRunners } from './first/decisions.ts'
import { Fields, type Json } from './first/fields.ts'
import { messageRunners, type Runner } from './first/messages.ts'
import { outdated } from './make.ts'

/** How many cases a section has at least: one that got lost is noticed. */
const LEAST: Readonly<Record<string, number>> = {
  time: 32,
  unfold: 46,
  tolerance: 24,
  epoch: 52,
  keys: 14,
  ebid: 17,
  ecc: 8,
  bundle: 9,
  hello: 14,
  item: 22,
  signal: 25,
  weight: 40,
  exposure: 12,
  request: 26,
  decision: 104,
  resetToken: 4,
  list: 13,
  reply: 22,
  token: 7,
  challenge: 16,
  contact: 162,
}
const RUNNERS: Readonly<Record<string, Runner>> = { ...messageRunners, ...decisionRunners }

const text = readFileSync(new URL('../../vectors/vicinity.json', import.meta.url), 'utf8')
const { sections } = JSON.parse(text) as { sections: Readonly<Record<string, readonly Entry[]>> }

interface Entry {
  readonly name: string
  readonly input: Json
  readonly expected: Json
  readonly source: string
}

/** What is wrong with one case of a section; nothing when the implementation gives what the case expects. */
function fault(section: string, entry: Entry): string | undefined {
  const run = RUNNERS[section]
  if (run === undefined) return `${section}: nothing runs this section`
  if (entry.source !== 'vicinity') return `${section}: ${entry.name}: not marked as ours`
  const answer = run(new Fields(entry.input))
  return isDeepStrictEqual(answer, entry.expected)
    ? undefined
    : `${section}: ${entry.name}: ${JSON.stringify(answer)} instead of ${JSON.stringify(entry.expected)}`
}

for (const [section, cases] of Object.entries(sections)) {
  test(`kit: ${section}, ${cases.length} cases`, () => {
    assert.deepEqual(cases.map((entry) => fault(section, entry)).filter(Boolean), [])
  })
}

test('kit: every section is there with all its cases, 240 and more together, under names that differ', () => {
  assert.deepEqual(Object.keys(sections).sort(), Object.keys(LEAST).sort())
  assert.deepEqual(Object.keys(RUNNERS).sort(), Object.keys(LEAST).sort())
  for (const [section, cases] of Object.entries(sections)) {
    assert.ok(cases.length >= LEAST[section]!, `${section}: ${cases.length} cases`)
    const names = new Set(cases.map((entry) => entry.name))
    assert.equal(names.size, cases.length, section)
  }
  assert.ok(Object.values(sections).flat().length >= 240)
})

test('kit: messages of every c are made in both layouts, and every step that can refuse does', () => {
  const inputs = sections['request']!.map((entry) => entry.input as { c: number; profile: string })
  for (const profile of ['spec', 'tac']) {
    const codes = new Set(inputs.filter((input) => input.profile === profile).map((input) => input.c))
    assert.deepEqual([...codes].sort(), [2, 3, 4, 5, 6, 7])
  }
  const refusing = (section: string) => {
    const steps = sections[section]!.map((entry) => (entry.expected as { refused?: number }).refused)
    return [...new Set(steps.filter((step) => step !== undefined))].sort()
  }
  assert.deepEqual(refusing('decision'), [1, 2, 3, 4, 5, 6, 7, 8])
  assert.deepEqual(refusing('contact'), [1, 2, 4, 5, 6, 8, 9])
})

test('planted: an unknown section, another answer and a case that is not marked are found', () => {
  const good = sections['ecc']![0]!
  assert.equal(fault('ecc', good), undefined)
  assert.match(fault('gaen', good)!, /^gaen: nothing runs this section/)
  assert.match(fault('ecc', { ...good, expected: { ecc: '00' } })!, /instead of \{"ecc":"00"\}/)
  assert.match(fault('ecc', { ...good, source: 'somebody' })!, /not marked/)
})

test('kit: the file is what the second implementation writes now, and has a limit', () => {
  assert.deepEqual(outdated(), [])
  assert.ok(text.length < 600_000, `${text.length} bytes`)
})

test('kit: the second implementation and its cases know nothing of the first', () => {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const files = globSync(['second/*.ts', 'cases/*.ts', 'make.ts'], { cwd: here })
  assert.ok(files.length >= 12)
  for (const file of files) {
    const source = readFileSync(`${here}${file}`, 'utf8')
    for (const [, from] of source.matchAll(/(?:\bfrom|\bimport)\s*\(?'([^']+)'/g)) {
      assert.match(
        from!,
        /^node:(?:crypto|fs)$|^\.{1,2}\/(?:(?:second|cases)\/)?[a-z]+\.ts$/,
        `${file} imports ${from}`,
      )
    }
  }
})

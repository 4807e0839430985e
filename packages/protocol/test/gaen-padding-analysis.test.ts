// What the comparison of exports tells: much about the deployed server's padding, nothing about padding as it should be.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  analysePadding,
  columnsOf,
  type NamedExport,
  type PaddingAnalysis,
  type PaddingRule,
} from '../src/gaen/index.ts'
import { randomOf } from './fixture.ts'
import {
  deployedExport,
  exportOf,
  exportsOf,
  fillByDraw,
  fillBySchedule,
  keyOf,
  MONDAY,
  type Stored,
  uploads,
  windowsOf,
} from './gaen-padding-world.ts'

const rulesOf = ({ findings }: PaddingAnalysis): PaddingRule[] => [...new Set(findings.map(({ rule }) => rule))].sort()

/** Nothing that was told is false. `hidden` are keys that were invented and did not stay in the table. */
function assertTrue(analysis: PaddingAnalysis, table: readonly Stored[]): void {
  const real = new Set(table.filter(({ isReal }) => isReal).map(keyOf))
  for (const key of analysis.real) assert.ok(real.has(key), 'told real, and is')
  for (const key of analysis.invented) assert.ok(!real.has(key), 'told invented, and is')
}

const isExport = (file: NamedExport | undefined): file is NamedExport => file !== undefined

test('GAEN padding of the deployed server: of 1000 invented keys the 700 that did not stay are told by a second export', () => {
  const random = randomOf('deployed')
  const table = uploads(random, 8, 1)
  const real = table.length
  const files = [deployedExport(table, random, MONDAY, 24), deployedExport(table, random, MONDAY, 24)].filter(isExport)
  const first = files[0]!.file.keys.count
  const second = files[1]!.file.keys.count
  const analysis = analysePadding(files)
  const [vanished] = analysis.findings
  assert.equal(vanished?.rule, 'vanished')
  // Real keys and 300 of the invented ones are in both files; all others are in one.
  assert.equal(vanished.narrowed, real + 300)
  assert.equal(analysis.invented.size, first + second - 2 * (real + 300))
  assert.ok(analysis.invented.size > 1200)
  const copied = analysis.findings.find(({ rule }) => rule === 'copied')
  assert.equal(copied?.narrowed, real, 'and of what remains, how many are real')
  assert.deepEqual(
    vanished.files,
    files.map(({ name }) => name),
  )
  assertTrue(analysis, table)
})

test('GAEN padding of the deployed server: a day that covers its hours tells the invented keys of the hours', () => {
  const random = randomOf('hours')
  const table = uploads(random, 30, 1)
  const hours = windowsOf(1, 1).map(([start]) => deployedExport(table, random, start, 1))
  const files = [...hours, deployedExport(table, random, MONDAY, 24)].filter(isExport)
  const analysis = analysePadding(files)
  assert.deepEqual(rulesOf(analysis), ['copied', 'vanished'])
  const copied = analysis.findings.find(({ rule }) => rule === 'copied')!.narrowed!
  assert.ok(copied > 250 && copied <= 300, `${copied} of 300 real keys`)
  const invented = analysis.keys - 300
  assert.ok(analysis.invented.size > 0.6 * invented, `${analysis.invented.size} of ${analysis.keys}`)
  assertTrue(analysis, table)
})

test('GAEN padding of the deployed server: with 400 real keys or more some are told for sure', () => {
  const random = randomOf('many')
  const table = uploads(random, 45, 1).map((key, k) => ({ ...key, rollingPeriod: 1 + (k % 144) }))
  const files = [deployedExport(table, random, MONDAY, 24), deployedExport(table, random, MONDAY, 24)].filter(isExport)
  const analysis = analysePadding(files)
  assert.deepEqual(rulesOf(analysis), ['lastOfItsKind', 'vanished'])
  assert.ok(analysis.real.size > 50, `${analysis.real.size}`)
  assertTrue(analysis, table)
})

test('GAEN padding: where what vanished is no copy of what stays, no key is called real for being the last of its kind', () => {
  const random = randomOf('no copies')
  const stays = uploads(random, 10, 1)
  const odd = uploads(random, 1, 1, 77)
  const analysis = analysePadding([exportOf(MONDAY, 24, [...stays, ...odd]), exportOf(MONDAY, 24, stays)])
  assert.deepEqual(rulesOf(analysis), ['vanished'])
  assert.equal(analysis.invented.size, odd.length)
})

test('GAEN padding of the deployed server: multiples of kinds tell how many real keys there are', () => {
  const random = randomOf('multiples')
  const table = uploads(random, 12, 6)
  const real = table.length
  const files = windowsOf(6, 24)
    .map(([start]) => deployedExport(table, random, start, 24))
    .filter(isExport)
  const { findings } = analysePadding(files)
  const copied = findings.find(({ rule }) => rule === 'copied')
  assert.ok(copied !== undefined)
  assert.ok(copied.narrowed! > 0.4 * real && copied.narrowed! <= real, `${copied.narrowed} of ${real}`)
})

test('GAEN padding: where every key is stored with two copies, the number of real keys can be read', () => {
  const random = randomOf('thrice')
  /** Of every key three that say the same, of the first six. */
  const thrice = (kinds: number): Stored[] =>
    Array.from({ length: kinds + 1 }, (_, k) =>
      Array.from({ length: 3 }, () => ({
        ...uploads(random, 1, 1)[0]!,
        keyData: random(16),
        reportType: 1 as const,
        rollingStart: (144 * Math.max(0, k - 1)) as Stored['rollingStart'],
        daysSinceOnset: 0,
      })),
    ).flat()
  const files = [exportOf(MONDAY, 24, thrice(31)), exportOf(MONDAY + 86_400, 24, thrice(44))]
  const { findings } = analysePadding(files)
  assert.deepEqual(
    findings.map(({ rule, narrowed }) => [rule, narrowed]),
    [['copied', 32 + 45]],
  )
})

test('GAEN padding: a key that is twice in a file is one', () => {
  const keys = uploads(randomOf('twice'), 6, 1)
  const analysis = analysePadding([exportOf(MONDAY, 24, [...keys, ...keys])])
  assert.deepEqual([analysis.keys, analysis.findings], [60, []])
})

test('GAEN padding: keys that stay, in every window, by a schedule or by chance, tell nothing', () => {
  for (const fill of [fillBySchedule, fillByDraw]) {
    for (const people of [0, 1, 20, 200]) {
      const random = randomOf(`${fill.name} ${people}`)
      const table = uploads(random, people, 3)
      for (const [start, hours] of windowsOf(3, 4)) fill(table, random, start, hours)
      const files = exportsOf(table, [...windowsOf(3, 4), ...windowsOf(3, 24)])
      assert.deepEqual(analysePadding(files).findings, [], `${fill.name}, ${people} people`)
    }
  }
})

test('GAEN padding: revised keys in a list of their own that is not padded are real', () => {
  const random = randomOf('revised')
  const table = uploads(random, 20, 3)
  for (const [start, hours] of windowsOf(3, 24)) fillBySchedule(table, random, start, hours)
  const revised = table.filter(({ isReal }) => isReal).slice(0, 5)
  const [first, second, third] = exportsOf(table, windowsOf(3, 24))
  const { revisedKeys } = exportOf(MONDAY, 24, [], revised).file
  const analysis = analysePadding([first!, second!, { ...third!, file: { ...third!.file, revisedKeys } }])
  const finding = analysis.findings.find(({ rule }) => rule === 'unpadded')
  assert.deepEqual([finding?.list, finding?.real], ['revisedKeys', 5])
  assert.ok(rulesOf(analysis).includes('emptyWindow'))
  for (const key of revised) assert.ok(analysis.real.has(keyOf(key)))
})

test('GAEN padding: a key with a period that no invented key has is real', () => {
  const random = randomOf('stranger')
  const table = uploads(random, 20, 3)
  for (const [start, hours] of windowsOf(3, 4)) fillBySchedule(table, random, start, hours)
  const stranger = { ...uploads(random, 1, 1)[0]!, rollingPeriod: 77 }
  const analysis = analysePadding(exportsOf([...table, stranger], windowsOf(3, 4)))
  assert.deepEqual([rulesOf(analysis), [...analysis.real]], [['stranger'], [keyOf(stranger)]])
  assert.equal(analysis.findings[0]!.files.length, 1)
})

test('GAEN padding: a window split into files is one window', () => {
  const random = randomOf('split')
  const table: Stored[] = []
  for (const [start, hours] of windowsOf(2, 24)) fillBySchedule(table, random, start, hours)
  const whole = exportsOf(table, windowsOf(2, 24))
  const halves = whole.flatMap(({ name, file }) =>
    [0, 1].map((half): NamedExport => {
      const keys = table.filter((key) => key.createdAt === file.header.startTimestamp)
      const { file: part } = exportOf(
        file.header.startTimestamp,
        24,
        keys.filter((_, k) => k % 2 === half),
      )
      const endTimestamp = (file.header.endTimestamp + half) as typeof file.header.endTimestamp
      return { name: `${name} ${half}`, file: { ...part, header: { ...file.header, endTimestamp } } }
    }),
  )
  assert.deepEqual(analysePadding(halves).findings, [])
  // As batches of one group, with one time for all.
  const batches = halves.map(({ name, file }, k) => {
    const endTimestamp = whole[Math.floor(k / 2)]!.file.header.endTimestamp
    return { name, file: { ...file, header: { ...file.header, endTimestamp, batchNumber: 1 + (k % 2), batchSize: 2 } } }
  })
  assert.deepEqual(analysePadding(batches).findings, [])
})

test('GAEN padding: an order that is not that of the bytes shows which keys belong together', () => {
  const random = randomOf('order')
  const keys = uploads(random, 30, 1)
  const { name, file } = exportOf(MONDAY, 24, keys)
  const ordered = (of: readonly Stored[]): NamedExport => ({ name, file: { ...file, keys: columnsOf(of) } })
  const rules = (of: readonly Stored[]) => rulesOf(analysePadding([ordered(of)]))
  const byBytes = [...keys].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  assert.deepEqual(rules(byBytes), [])
  assert.deepEqual(rules([...byBytes.slice(150), ...byBytes.slice(0, 150)]), ['order'])
  assert.deepEqual(rules([...keys].sort((a, b) => a.rollingStart - b.rollingStart)), ['order'])
  const shuffled = [...keys].sort((a, b) => a.keyData[5]! - b.keyData[5]!)
  assert.deepEqual(rules(shuffled), [])
})

test('GAEN padding: files that say no times, and no files, tell nothing false', () => {
  assert.deepEqual(analysePadding([]), { files: 0, keys: 0, real: new Set(), invented: new Set(), findings: [] })
  const { name, file } = exportOf(0, 0, uploads(randomOf('timeless'), 10, 1))
  assert.deepEqual(rulesOf(analysePadding([{ name, file }])), [])
})

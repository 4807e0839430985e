// Random sequences of commands happen to the real back-end and to a reference of Maps and arrays; after each of them what can be
// seen of both is compared. VICINITY_SEED repeats a run, VICINITY_SEQUENCES makes it longer.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type Command, MOST_COMMANDS, NAMES, sequences } from './commands.ts'
import { STARTS } from './rules.ts'
import { Twin } from './twin.ts'

const SEQUENCES = Number(process.env['VICINITY_SEQUENCES'] ?? 2000)
const seed = Number(process.env['VICINITY_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const tally = new Map<string, number>()
const outcomes = new Map<string, number>()
const add = (map: Map<string, number>, what: string, times = 1): void =>
  void map.set(what, (map.get(what) ?? 0) + times)

async function live(start: number, commands: readonly Command[]): Promise<void> {
  await using twin = new Twin(start)
  await twin.begin()
  let last: string | undefined
  for (const command of commands) {
    if (!(await twin.run(command))) continue
    add(tally, command.do)
    if (last !== undefined) add(tally, `${last}, ${command.do}`)
    last = command.do
  }
  for (const [what, times] of twin.counts) add(outcomes, what, times)
}

function report(t: TestContext, count: number): void {
  const total = NAMES.reduce((sum, name) => sum + (tally.get(name) ?? 0), 0)
  t.diagnostic(`seed ${seed}, ${count} sequences, ${total} commands`)
  const width = Math.max(...NAMES.map(({ length }) => length))
  const row = (title: string, cells: readonly (string | number)[]) =>
    [title.padEnd(width), ...cells.map((cell) => String(cell).padStart(5))].join(' ')
  t.diagnostic(
    row(
      'first \\ then',
      [...NAMES.keys()].map((n) => `#${n + 1}`),
    ),
  )
  NAMES.forEach((first, n) => {
    t.diagnostic(
      row(
        `#${n + 1} ${first}`.slice(0, width),
        NAMES.map((second) => tally.get(`${first}, ${second}`) ?? 0),
      ),
    )
  })
  t.diagnostic(
    [...outcomes]
      .sort()
      .map(([what, times]) => `${what} ${times}`)
      .join(', '),
  )
}

test(`${SEQUENCES} random sequences of up to ${MOST_COMMANDS} commands: the back-end is what the specification says`, async (t) => {
  let run = 0
  const property = fc.asyncProperty(fc.constantFrom(...STARTS), sequences, async (start, commands) => {
    run++
    await live(start, commands)
  })
  try {
    await fc.assert(property, { numRuns: SEQUENCES, seed })
  } finally {
    report(t, run)
  }
  assert.deepEqual(
    NAMES.filter((name) => !tally.has(name)),
    [],
    'every command occurred',
  )
})

// Random sequences of commands happen to the real back-end and to a reference of Maps and arrays; after each of them what can be
// seen of both is compared. VICINITY_SEED repeats a run, VICINITY_SEQUENCES makes it longer.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type Command, MOST_COMMANDS, NAMES, sequences } from './commands.ts'
import { STARTS } from './rules.ts'
import { holds, SEED } from './seed.ts'
import { Twin } from './twin.ts'

const SEQUENCES = Number(process.env['VICINITY_SEQUENCES'] ?? 2000)
const PARTS = 4
/** Fewer sequences need not have shown everything. */
const ENOUGH = 1000

const tally = new Map<string, number>()
const outcomes = new Map<string, number>()
let lived = 0
const add = (map: Map<string, number>, what: string, times = 1): void =>
  void map.set(what, (map.get(what) ?? 0) + times)

async function live(start: number, commands: readonly Command[]): Promise<void> {
  await using twin = new Twin(start)
  await twin.begin()
  lived++
  let last: string | undefined
  for (const command of commands) {
    if (!(await twin.run(command))) continue
    add(tally, command.do)
    if (last !== undefined) add(tally, `${last}, ${command.do}`)
    last = command.do
  }
  for (const [what, times] of twin.counts) add(outcomes, what, times)
}

function report(t: TestContext): void {
  const total = NAMES.reduce((sum, name) => sum + (tally.get(name) ?? 0), 0)
  t.diagnostic(`seed ${SEED}, ${lived} sequences, ${total} commands; how often the second came after the first:`)
  const width = Math.max(...NAMES.map(({ length }) => length)) + 4
  const row = (title: string, cells: readonly (string | number)[]) =>
    [title.padEnd(width), ...cells.map((cell) => String(cell).padStart(5))].join(' ')
  t.diagnostic(
    row(
      'first \\ second',
      NAMES.map((_, n) => `#${n + 1}`),
    ),
  )
  NAMES.forEach((first, n) => {
    t.diagnostic(
      row(
        `#${n + 1} ${first}`,
        NAMES.map((second) => tally.get(`${first}, ${second}`) ?? 0),
      ),
    )
  })
  t.diagnostic(
    [...outcomes]
      .map(([what, times]) => `${what} ${times}`)
      .sort()
      .join(', '),
  )
}

/** What must have come about, or the sequences have shown little. */
const OUTCOMES = [
  ...['accepted', 'foreign', 'refused.2.helloTooFarFromTime', 'refused.5.unknownId', 'refused.6.epochMismatch'].map(
    (verdict) => `item.${verdict}`,
  ),
  ...['item.refused.8.macInvalid', 'item.refused.9.outsideContagiousPeriod', 'told "1"'],
  ...['queued', 'repeated', 'tokenRefused'].map((outcome) => `upload.${outcome}`),
  ...['malformed', 'clockTooFar', 'epochMismatch', 'unknownId', 'macInvalid', 'alreadyNotified'].map(
    (reason) => `request.refused.${reason}`,
  ),
  ...['request.refused.resetInvalid', 'request.refused.tooEarly', 'request.reset', 'request.renew'],
]

// In parts, so that each is over soon and tells how it went.
for (let part = 0; part < PARTS; part++) {
  test(`random sequences of up to ${MOST_COMMANDS} commands, part ${part}: the back-end is what the specification says`, async (t) => {
    const property = fc.asyncProperty(fc.constantFrom(...STARTS), sequences, live)
    await holds(t, property, SEQUENCES / PARTS, part)
  })
}

test('in all sequences together every command occurred, and every outcome', (t) => {
  report(t)
  const missing = [...NAMES.filter((name) => !tally.has(name)), ...OUTCOMES.filter((outcome) => !outcomes.has(outcome))]
  assert.deepEqual(SEQUENCES < ENOUGH ? [] : missing, [])
})

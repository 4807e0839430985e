// Forty rounds of crashes: as `npm run test:crash`, and what it would say of a back-end that forgets.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { postgresPrograms } from '../../packages/server/src/store/throwaway.ts'
import { type EngineName, type RoundReport, runSeries } from './series.ts'
import type { Sabotage } from './server.ts'

const SEED = 'every push'

async function run(engine: EngineName, first: number, rounds: number, sabotage: Sabotage = 'nothing') {
  const done: RoundReport[] = []
  await runSeries(engine, SEED, first, first + rounds - 1, (round) => void done.push(round), { sabotage })
  return done
}

const rulesOf = (rounds: readonly RoundReport[]): string[] => [
  ...new Set(rounds.flatMap(({ violations }) => violations.map(({ rule }) => rule))),
]

/** In the first rounds nobody is at risk yet, and in the eighth a standby takes over. */
const ROUNDS = 10
/** A round takes two or three seconds of a machine that has nothing else to do. */
const TIMEOUT = 240_000

function show(
  engine: EngineName,
  first: number,
): (t: { readonly diagnostic: (text: string) => void }) => Promise<void> {
  return async (t) => {
    const rounds = await run(engine, first, ROUNDS)
    assert.deepEqual(
      rounds.flatMap(({ seed, violations, directory }) => violations.map((found) => ({ seed, ...found, directory }))),
      [],
    )
    assert.equal(rounds.length, ROUNDS)
    const uploads = rounds.map(({ operations }) => operations['upload']!.ok)
    assert.ok(Math.min(...uploads) > 0, 'uploads were answered in every round')
    t.diagnostic(
      rounds.map(({ round, seconds, faults }) => `${round}: ${seconds.toFixed(1)} s, ${faults.join(', ')}`).join('\n'),
    )
  }
}

const WITHOUT = 'no PostgreSQL 15 or later on this machine: apt-get install postgresql'
const skip = postgresPrograms() === undefined && !process.env['CI'] ? WITHOUT : false

for (const first of [0, ROUNDS]) {
  const of = `crash rounds ${first} to ${first + ROUNDS - 1}`
  test(
    `SQLite, ${of}: nothing answered is lost and nothing counts twice (I1, I2, T-31)`,
    { timeout: TIMEOUT },
    show('sqlite', first),
  )
  test(
    `PostgreSQL, two processes, ${of}: nothing answered is lost and nothing counts twice (I1, I2, T-31)`,
    { skip, timeout: TIMEOUT },
    show('postgres', first),
  )
}

test('a back-end that forgets one item in twenty, and one that applies items twice, are found by the same rounds', {
  timeout: TIMEOUT,
}, async () => {
  const forgot = await run('sqlite', 0, 4, 'forgets')
  assert.deepEqual(rulesOf(forgot), ['lost'])
  const counted = await run('sqlite', 0, 4, 'counts twice')
  assert.deepEqual(rulesOf(counted), ['doubled'])
  for (const { directory } of [...forgot, ...counted])
    if (directory !== undefined) rmSync(directory, { recursive: true })
})

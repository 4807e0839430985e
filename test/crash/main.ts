// `npm run test:crash -- --rounds N [--engine sqlite|postgres] [--seed S] [--resume FILE]`: see README.md.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeBackEnd } from './back-end.ts'
import { openHistory } from './history.ts'
import { postgresEngine } from './postgres.ts'
import { runRound, type Series } from './round.ts'
import { sqliteEngine } from './sqlite.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    engine: { type: 'string', default: 'sqlite' },
    seed: { type: 'string', default: 'crash' },
    resume: { type: 'string' },
  },
})
const directory = mkdtempSync(join(tmpdir(), 'vicinity-crash-'))
chmodSync(directory, 0o711)
const engine =
  values.engine === 'postgres'
    ? await postgresEngine(join(directory, 'postgres'), ['front', 'worker'])
    : sqliteEngine(directory)
const backEnd = makeBackEnd(engine, directory)
const series: Series = {
  backEnd,
  history: openHistory(join(directory, 'history.jsonl')),
  people: { phones: [], published: [] },
  snapshots: [],
}
await backEnd.startAll()
for (let round = 0; round < Number(values.rounds); round++) {
  const result = await runRound(series, round, `${values.seed} ${round}`)
  const outcomes = { ok: 0, fail: 0, unknown: 0 }
  for (const { outcome } of result.calls) outcomes[outcome]++
  const resent = result.calls.filter(({ sent }) => sent > 1).length
  console.log(
    round,
    result.seconds.toFixed(1),
    result.faults.join(', '),
    JSON.stringify(outcomes),
    resent,
    series.snapshots.at(-1)!.users,
  )
  if (result.violations.length > 0) {
    console.log(result.violations, directory)
    process.exitCode = 1
    break
  }
}
await backEnd.stop()
if (process.exitCode === undefined) rmSync(directory, { recursive: true })

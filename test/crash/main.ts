// `npm run test:crash -- --rounds N [--engine sqlite|postgres] [--seed S] [--resume FILE]`: see README.md.
import { parseArgs } from 'node:util'
import { readReport, summaryOf, writeReport } from './report.ts'
import { ENGINES, type RoundReport, runSeries, SERIES } from './series.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    engine: { type: 'string' },
    seed: { type: 'string' },
    resume: { type: 'string' },
  },
})
const total = Number(values.rounds)
const engines = ENGINES.filter((name) => values.engine === undefined || name === values.engine)
if (!Number.isInteger(total) || total < 1 || engines.length === 0) {
  console.error('--rounds takes a whole number, --engine sqlite or postgres')
  process.exit(2)
}
const before = values.resume === undefined ? undefined : readReport(values.resume)
if (before !== undefined && values.seed !== undefined && values.seed !== before.seed) {
  console.error(`${values.resume} is of the seed ${before.seed}`)
  process.exit(2)
}
const seed = before?.seed ?? values.seed ?? String(Date.now())
const rounds: RoundReport[] = [...(before?.rounds ?? [])]
console.log(`seed ${seed}`)

/** So many violated rounds say enough. */
const MOST_VIOLATED = 3
const violated = () => rounds.filter(({ violations }) => violations.length > 0).length
let stopping = false
process.once('SIGINT', () => {
  console.log('stops after this round')
  stopping = true
})

for (const [k, engine] of engines.entries()) {
  const wanted = Math.floor(total / engines.length) + (k < total % engines.length ? 1 : 0)
  const done = () => rounds.filter((round) => round.engine === engine).length
  while (done() < wanted && violated() < MOST_VIOLATED && !stopping) {
    const first = done()
    const last = Math.min(first - (first % SERIES) + SERIES, wanted) - 1
    await runSeries(engine, seed, first, last, takeDown, { stops: () => stopping })
  }
}
console.log(JSON.stringify(summaryOf(rounds), null, 1))
process.exitCode = violated() > 0 ? 1 : 0

function takeDown(round: RoundReport): void {
  rounds.push(round)
  if (values.resume !== undefined) writeReport(values.resume, { seed, rounds })
  const counts = Object.values(round.operations)
  const sum = (outcome: 'ok' | 'unknown') => counts.reduce((all, each) => all + each[outcome], 0)
  console.log(
    `${round.engine} ${round.round}  ${round.seconds.toFixed(1)} s  ${sum('ok')} acknowledged, ${sum('unknown')} unknown, ` +
      `${round.resent} sent again  ${round.faults.join(', ')}`,
  )
  if (round.internalErrors.length > 0) console.log(`  status 500: ${round.internalErrors.join(', ')}`)
  if (round.violations.length === 0) return
  console.log(`VIOLATED, seed "${round.seed}", kept in ${round.directory}`)
  for (const { rule, about } of round.violations) console.log(`  ${rule}: ${about}`)
}

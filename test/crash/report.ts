// All rounds of a run in one file: what a run that was cut off goes on from, and what it has shown.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { RoundReport } from './series.ts'

export interface RunReport {
  readonly seed: string
  readonly rounds: readonly RoundReport[]
}

export const readReport = (path: string): RunReport | undefined =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as RunReport) : undefined

/** Whole or not at all, with its sums. */
export function writeReport(path: string, report: RunReport): void {
  writeFileSync(`${path}.new`, `${JSON.stringify({ ...summaryOf(report.rounds), ...report }, null, 1)}\n`)
  renameSync(`${path}.new`, path)
}

/** The figures of a run. */
export function summaryOf(rounds: readonly RoundReport[]) {
  const violations = rounds.flatMap(({ violations: found }) => found)
  const ofRule = (rule: string) => violations.filter((violation) => violation.rule === rule).length
  const operations = rounds.flatMap((round) => Object.values(round.operations))
  const sum = (outcome: 'ok' | 'fail' | 'unknown') => operations.reduce((total, counts) => total + counts[outcome], 0)
  const seconds = rounds.map((round) => round.seconds).sort((a, b) => a - b)
  const faults: Record<string, number> = {}
  for (const name of rounds.flatMap((round) => round.faults)) faults[name] = (faults[name] ?? 0) + 1
  return {
    done: rounds.length,
    sqlite: rounds.filter(({ engine }) => engine === 'sqlite').length,
    postgres: rounds.filter(({ engine }) => engine === 'postgres').length,
    lost: ofRule('lost'),
    doubled: ofRule('doubled'),
    otherViolations: violations.length - ofRule('lost') - ofRule('doubled'),
    acknowledged: sum('ok'),
    refused: sum('fail'),
    unknown: sum('unknown'),
    internalErrors: rounds.reduce((total, round) => total + round.internalErrors.length, 0),
    sentAgain: rounds.reduce((total, { resent }) => total + resent, 0),
    secondsPerRound: {
      median: seconds[Math.floor(seconds.length / 2)] ?? 0,
      longest: seconds.at(-1) ?? 0,
      total: seconds.reduce((total, each) => total + each, 0),
    },
    faults,
  }
}

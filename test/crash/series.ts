// Rounds on one back-end, one after the other, and what became of them.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Role } from '@vicinity/server'
import { makeBackEnd } from './back-end.ts'
import type { Violation } from './check.ts'
import { type OperationKind, openHistory } from './history.ts'
import { postgresEngine } from './postgres.ts'
import { type RoundResult, runRound, type Series } from './round.ts'
import type { Sabotage } from './server.ts'
import { sqliteEngine } from './sqlite.ts'

export const ENGINES = ['sqlite', 'postgres'] as const
export type EngineName = (typeof ENGINES)[number]

/** Rounds of one back-end. Then another begins, empty. */
export const SERIES = 25

/** The processes of a back-end on PostgreSQL, in turn; whoever runs a few rounds meets both in twenty. */
const ROLES: readonly (readonly Role[])[] = [
  ['front', 'worker'],
  ['all', 'all'],
]

/** What is written down of a round. */
export interface RoundReport {
  readonly engine: EngineName
  readonly round: number
  /** The faults and the load of a round are a function of it; their moments are also the machine's. */
  readonly seed: string
  readonly seconds: number
  readonly faults: readonly string[]
  readonly operations: Readonly<Record<string, Readonly<Record<'ok' | 'fail' | 'unknown', number>>>>
  /** Calls whose bytes were sent more than once. */
  readonly resent: number
  /** What was answered with status 500, where the world failed: it should have been 503. */
  readonly internalErrors: readonly string[]
  readonly violations: readonly Violation[]
  /** Where everything is kept, after a violation. */
  readonly directory?: string
}

/** Runs rounds `first` to `last` until one is violated, or `stops` says so. Leaves nothing behind where all went well. */
export async function runSeries(
  engine: EngineName,
  seed: string,
  first: number,
  last: number,
  report: (round: RoundReport) => void,
  { stops = () => false, sabotage = 'nothing' }: { readonly stops?: () => boolean; readonly sabotage?: Sabotage } = {},
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-crash-'))
  // PostgreSQL runs as another user, below it.
  chmodSync(directory, 0o711)
  const series = await begin(engine, directory, ROLES[Math.floor(first / 10) % ROLES.length]!, sabotage)
  let violated = false
  try {
    for (let round = first; round <= last && !violated && !stops(); round++) {
      const name = `${seed} ${engine} ${round}`
      const { faults, violations, seconds, calls, internalErrors } = await runToItsEnd(series, round, name)
      violated = violations.length > 0
      report({
        engine,
        round,
        seed: name,
        seconds,
        faults,
        operations: countOperations(calls),
        resent: calls.filter(({ sent }) => sent > 1).length,
        internalErrors,
        violations,
        ...(violated && { directory }),
      })
    }
  } finally {
    series.abandoned = true
    await series.backEnd.stop(violated)
    if (!violated) rmSync(directory, { recursive: true, force: true })
  }
}

/** No round may take longer, in milliseconds. */
const LONGEST_ROUND = 150_000

/** A round that does not come to its end, or fails, is violated. */
async function runToItsEnd(series: Series, round: number, seed: string): Promise<RoundResult> {
  const began = performance.now()
  const late = new AbortController()
  const tooLong = pause(LONGEST_ROUND, undefined, { signal: late.signal }).then(() => {
    throw new Error('the round does not come to its end')
  })
  try {
    return await Promise.race([runRound(series, round, seed), tooLong])
  } catch (error) {
    const calls = series.history.calls().filter((call) => call.round === round)
    const violations = [{ rule: 'not settled', about: String(error) } as const]
    return { faults: [], internalErrors: [], violations, seconds: (performance.now() - began) / 1000, calls }
  } finally {
    late.abort()
    tooLong.catch(() => {})
  }
}

async function begin(name: EngineName, directory: string, roles: readonly Role[], sabotage: Sabotage): Promise<Series> {
  const engine = name === 'sqlite' ? sqliteEngine(directory) : await postgresEngine(join(directory, 'postgres'), roles)
  const backEnd = makeBackEnd(engine, directory, sabotage)
  const history = openHistory(join(directory, 'history.jsonl'))
  try {
    await backEnd.startAll()
  } catch (error) {
    await backEnd.stop(true)
    throw error
  }
  return { backEnd, history, people: { phones: [], published: [] }, snapshots: [], abandoned: false }
}

function countOperations(
  calls: readonly {
    readonly operation: { readonly kind: OperationKind }
    readonly outcome: 'ok' | 'fail' | 'unknown'
  }[],
): RoundReport['operations'] {
  const counts: Record<string, Record<'ok' | 'fail' | 'unknown', number>> = {}
  for (const { operation, outcome } of calls) {
    counts[operation.kind] ??= { ok: 0, fail: 0, unknown: 0 }
    counts[operation.kind]![outcome]++
  }
  return counts
}

// One round: load and faults at once, then everything is healed, time passes, and the checker judges.
import { setTimeout as pause } from 'node:timers/promises'
import { ascii, concat, type Random, Writer } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import { type BackEnd, takeSnapshot } from './back-end.ts'
import { check, type Snapshot, type Violation } from './check.ts'
import { runFaults } from './faults.ts'
import type { Call, History } from './history.ts'
import { type People, runLoad } from './load.ts'
import { BETWEEN_ROUNDS, SETTINGS } from './settings.ts'

/** Random bytes that a name fixes. */
export function randomOf(name: string): Random {
  let counter = 0
  return (length) => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, () =>
      sha256(concat(ascii(name), new Writer(6).uint(6, counter++).bytes)),
    )
    return concat(...blocks).subarray(0, length)
  }
}

/** What goes on from round to round. */
export interface Series {
  readonly backEnd: BackEnd
  readonly history: History
  readonly people: People
  readonly snapshots: Snapshot[]
  /** Set when a round is given up: its clients stop. */
  abandoned: boolean
}

export interface RoundResult {
  readonly faults: readonly string[]
  readonly violations: readonly Violation[]
  readonly seconds: number
  readonly calls: readonly Call[]
  /** What was answered with status 500. */
  readonly internalErrors: readonly string[]
}

/** Seconds that clients may need after everything is healed, and the back-end until it has settled. */
const LIVENESS = 30

export async function runRound(series: Series, round: number, seed: string): Promise<RoundResult> {
  const { backEnd, history, people, snapshots } = series
  const began = performance.now()
  const random = randomOf(seed)
  let over = Number.POSITIVE_INFINITY
  const internalErrors: string[] = []
  const world = {
    internalError: (what: string) => void internalErrors.push(what),
    round,
    history,
    random: randomOf(`${seed} load`),
    now: backEnd.clock.now,
    urls: backEnd.urls,
    publicKey: backEnd.publicKey(),
    isOver: () => series.abandoned || performance.now() > over,
  }
  let calm = false
  const load = runLoad(world, people, () => calm)
  const faults = await runFaults(backEnd, random, round)
  calm = true
  await backEnd.engine.heal()
  await backEnd.startAll()
  over = performance.now() + 1000 * LIVENESS
  await load
  const stuck = world.isOver()
  backEnd.pass(BETWEEN_ROUNDS)
  const snapshot = await settled(series, round)
  snapshots.push(snapshot)
  const calls = history.calls()
  const violations = check(calls, snapshots, { statusGap: SETTINGS.parameters.statusGap })
  return {
    faults,
    violations: [...violations, ...(stuck ? [{ rule: 'not settled', about: 'clients had no answer' } as const] : [])],
    seconds: (performance.now() - began) / 1000,
    calls: calls.filter((call) => call.round === round),
    internalErrors,
  }
}

/** What is wrong with a snapshot and stays so for so many seconds will not come right any more: every job has had its turn. */
const STILL = 8

/** Takes snapshots until one says that all is done, or for so long as that may take. */
async function settled({ backEnd, history, snapshots }: Series, round: number): Promise<Snapshot> {
  const until = performance.now() + 1000 * LIVENESS
  const calls = history.calls()
  const phones = registered(calls)
  const gap = { statusGap: SETTINGS.parameters.statusGap }
  let before = ''
  let since = performance.now()
  for (;;) {
    await pause(100)
    try {
      const snapshot = await takeSnapshot(backEnd, round, phones)
      const wrong = JSON.stringify(check(calls, [...snapshots, snapshot], gap))
      if (wrong !== before) since = performance.now()
      before = wrong
      const stays = performance.now() > Math.min(since + 1000 * STILL, until)
      if (wrong === '[]' || stays) return snapshot
    } catch (error) {
      if (performance.now() > until) throw error
    }
  }
}

const registered = (calls: readonly Call[]) =>
  calls.flatMap(({ operation, outcome, answer }) =>
    operation.kind === 'register' && outcome === 'ok'
      ? [{ phone: operation.phone, first: answer.first!, ebid: answer.ebid! }]
      : [],
  )

// Looks every few seconds whether the back-end is ready: for the log, for the metrics, and for what has to be known before a request.
import type { UnixSeconds } from '@vicinity/protocol'
import { type Condition, failingConditions } from './conditions.ts'
import type { Deps } from './deps.ts'
import type { Log } from './log.ts'

const LOOK_MILLISECONDS = 5000

export interface Watch {
  /** What did not hold when this was last looked at. */
  readonly failing: () => readonly Condition[]
  /** Resolves when the look that is under way is over. */
  readonly settled: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Watches until it is stopped. `also` is done at each look, before it. */
export async function watch(deps: Deps, now: () => UnixSeconds, log: Log, also: () => Promise<void>): Promise<Watch> {
  let failing: readonly Condition[] = []
  const look = async () => {
    await also()
    const found = await failingConditions(deps, now())
    const changed = found.join() !== failing.join()
    failing = found
    if (!changed) return
    if (found.length === 0) log('ready.regained', {})
    else log('ready.lost', { failing: found.join(', ') })
  }
  let looking: Promise<void> = look()
  await looking
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    looking = look().finally(() => {
      busy = false
    })
  }, LOOK_MILLISECONDS)
  return {
    failing: () => failing,
    settled: () => looking,
    stop: () => {
      clearInterval(timer)
      return looking
    },
  }
}

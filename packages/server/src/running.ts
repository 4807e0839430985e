// A back-end while it runs: it listens, does what the clock asks, is watched, and stops in this order: nothing new comes in, what is
// there ends, and then everything closes.
import type { UnixSeconds } from '@vicinity/protocol'
import type { Deps } from './deps.ts'
import { jobsOfRole } from './jobs.ts'
import { listen } from './listen.ts'
import { NO_LOG } from './log.ts'
import type { ServeOptions } from './main.ts'
import { serveMetrics } from './metrics-server.ts'
import { runJobs } from './run-jobs.ts'
import { hasStandby, postgresState } from './store/postgres-state.ts'
import type { Vault } from './vault/vault.ts'
import { type Watch, watch } from './watch.ts'

export interface Turning {
  readonly url: string
  /** Undefined where no metrics are served. */
  readonly metricsUrl: string | undefined
  /** Reads the certificate anew where its files have changed. */
  readonly reload: () => void
  /** Answers what is in flight and lets the job that runs end. */
  readonly close: () => Promise<void>
}

/** Runs until it is closed. Where it rejects nothing of it is left running. */
export async function turn(deps: Deps, now: () => UnixSeconds, options: ServeOptions): Promise<Turning> {
  const { role = 'all', log = NO_LOG, metrics, durability, store } = options
  const { vault } = options
  if (vault !== undefined) deps.conditions.set('vault', () => answers(vault))
  const look = durability === 'strict' ? await watchStandby(deps, store) : async () => {}
  const listening = await listen(deps, now, options)
  const closing: (() => Promise<void>)[] = [listening.close]
  const close = async () => {
    await Promise.all(closing.map((end) => end()))
  }
  try {
    let watching: Watch | undefined
    const served =
      metrics &&
      (await serveMetrics(deps, now, {
        ...metrics,
        failing: () => watching?.failing() ?? [],
        certificateExpires: listening.certificateExpires,
      }))
    if (served !== undefined) closing.push(served.close)
    closing.push(runJobs(deps, now, jobsOfRole(deps, role), log))
    watching = await watch(deps, now, log, async () => {
      listening.reload()
      await look()
    })
    closing.push(watching.stop)
    log('server.started', { role })
    return { url: listening.url, metricsUrl: served?.url, reload: listening.reload, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A vault that forgot its secret, or lost its token, throws whatever it is asked. */
function answers(vault: Vault): boolean {
  try {
    return vault.names().length > 0
  } catch {
    return false
  }
}

/** Looks for the synchronous standby; while there is none, nothing is taken in that it should hold. */
async function watchStandby(deps: Deps, store: string): Promise<() => Promise<void>> {
  if (!/^postgres(ql)?:\/\//.test(store)) {
    throw new Error('durability strict needs a synchronous standby: give a store of PostgreSQL, or durability normal')
  }
  let holds = false
  deps.conditions.set('standby', () => holds)
  const look = async () => {
    holds = await postgresState(store).then(hasStandby, () => false)
  }
  await look()
  return look
}

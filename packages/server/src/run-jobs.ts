import type { UnixSeconds } from '@vicinity/protocol'
import type { Deps } from './deps.ts'
import { type Job, jobsOf } from './jobs.ts'

/** Logs a step of the clock when it is first seen. Whether the clock is steady, or its step could not be logged yet. */
function noteStep(deps: Deps, wasSteady: boolean): boolean {
  const isSteady = deps.clockIsSteady()
  try {
    if (wasSteady && !isSteady) deps.audit.append('clock.stepped', {})
    return isSteady
  } catch {
    deps.count('job.failed.audit')
    return wasSteady
  }
}

/** Runs jobs when they are due, one at a time. A job that fails is counted and runs again at its next turn. */
export function runJobs(deps: Deps, now: () => UnixSeconds, jobs: readonly Job[] = jobsOf(deps)): () => Promise<void> {
  const due = new Map(jobs.map((job) => [job, now()]))
  let running: Promise<void> = Promise.resolve()
  let busy = false
  let steady = true
  const turn = async () => {
    steady = noteStep(deps, steady)
    for (const [job, at] of due) {
      if (now() < at || !deps.clockIsSteady()) continue
      const late = now() - deps.calendar.serviceStart
      due.set(job, (deps.calendar.serviceStart + (Math.floor(late / job.every) + 1) * job.every) as UnixSeconds)
      await job.run(deps, now()).catch(() => deps.count(`job.failed.${job.name}`))
    }
    busy = false
  }
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    running = turn()
  }, 1000)
  return async () => {
    clearInterval(timer)
    await running
  }
}

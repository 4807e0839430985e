import type { UnixSeconds } from '@vicinity/protocol'
import type { Deps } from './deps.ts'
import { type Job, jobsOf } from './jobs.ts'
import { type Log, NO_LOG } from './log.ts'

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

/** Runs a job and notes how it went. What it threw is told to nobody: it may hold values. */
async function runNoted(deps: Deps, job: Job, now: () => UnixSeconds, log: Log): Promise<void> {
  const { jobs } = deps.meter
  const before = jobs.get(job.name)!
  try {
    await job.run(deps, now())
    jobs.set(job.name, { ...before, lastSuccess: now(), failing: false })
    if (before.failing) log('job.recovered', { job: job.name })
  } catch {
    deps.count(`job.failed.${job.name}`)
    jobs.set(job.name, { ...before, failures: before.failures + 1, failing: true })
    if (!before.failing) log('job.failed', { job: job.name })
  }
}

/**
 * Runs jobs when they are due, one at a time. A job that fails is counted and runs again at its next turn. What it gives
 * stops them, and waits for those that were due; when the back-end is to stop only for the one that runs.
 */
export function runJobs(
  deps: Deps,
  now: () => UnixSeconds,
  jobs: readonly Job[] = jobsOf(deps),
  log: Log = NO_LOG,
): () => Promise<void> {
  const due = new Map(jobs.map((job) => [job, now()]))
  for (const { name, every } of jobs) {
    deps.meter.jobs.set(name, { every, lastSuccess: now(), failures: 0, failing: false })
  }
  let running: Promise<void> = Promise.resolve()
  let busy = false
  let steady = true
  const turn = async () => {
    steady = noteStep(deps, steady)
    for (const [job, at] of due) {
      if (deps.stopping.aborted || now() < at || !deps.clockIsSteady()) continue
      const late = now() - deps.calendar.serviceStart
      due.set(job, (deps.calendar.serviceStart + (Math.floor(late / job.every) + 1) * job.every) as UnixSeconds)
      await runNoted(deps, job, now, log)
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

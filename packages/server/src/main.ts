// The edge of the back-end: the wall clock, real randomness, one timer, a listening socket.
import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { ascii, DAY_SECONDS, epochAt, epochsIn, toHex, type UnixSeconds } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import { LAST_SERVICE_EPOCH, REPLY_PAIRS } from '@vicinity/protocol/robert'
import { auditFiles } from './audit/file-log.ts'
import { type AuditLog, NO_AUDIT, openAudit } from './audit/log.ts'
import { crewOf } from './crew/threads.ts'
import { type Deps, makeDeps, type Settings } from './deps.ts'
import { directoryFiles } from './export-files.ts'
import { keepServerKeys } from './flows/server-keys.ts'
import { makeHttp, type Pages } from './http.ts'
import { jobsOf } from './jobs.ts'
import { auditKey } from './keys/audited-keys.ts'
import { directoryKeys, type KeyFiles, memoryKeys } from './keys/key-files.ts'
import { watchClock } from './steady-clock.ts'
import { openStore } from './store/open.ts'
import type { Store } from './store/store.ts'
import { warmUp } from './warm-up.ts'

export const wallClock = (): UnixSeconds => Math.floor(Date.now() / 1000) as UnixSeconds

const monotonicClock = (): number => performance.now() / 1000

/** A back-end that stood still for longer is not started without a word: a clock that ran ahead would purge everything. */
const LONGEST_REST = 30 * DAY_SECONDS
const CLOCK_TOLERANCE = 60

export interface ServeOptions {
  readonly settings: Settings
  /** A URL that `openStore` knows. */
  readonly store: string
  /** Directory of the keys; undefined keeps them in memory, for services that end with the process. */
  readonly keys: string | undefined
  /** File of the audit log; without it none is kept. */
  readonly audit?: string
  /** Directory of the GAEN exports; without it none are made. */
  readonly exports?: string
  readonly host: string
  /** The port to listen on; 0 for any free one. */
  readonly port: number
  /** Whether the next free port is taken when the wanted one is not free. */
  readonly nextPort?: boolean
  readonly pages?: Pages
  /** Threads for the cryptography of batches, beside the one that serves. Default: one for every other processor. */
  readonly threads?: number
  /** Starts although much time has passed since the back-end last ran. */
  readonly acceptClock?: boolean
}

export interface Running {
  readonly deps: Deps
  readonly url: string
  readonly close: () => Promise<void>
}

/** Runs a back-end by the wall clock until it is closed. */
export async function serve(options: ServeOptions): Promise<Running> {
  const store = openStore(options.store)
  let audit = NO_AUDIT
  try {
    const keyFiles = options.keys === undefined ? memoryKeys() : directoryKeys(options.keys)
    audit = auditOf(options, keyFiles)
    return await serveFrom(store, keyFiles, audit, options)
  } catch (error) {
    audit.close()
    await store.close()
    throw error
  }
}

function auditOf({ audit, settings }: ServeOptions, keyFiles: KeyFiles): AuditLog {
  if (audit === undefined) return NO_AUDIT
  const { profile, parameters, riskFunction, countryCode, gaen } = settings
  return openAudit({
    files: auditFiles(audit),
    privateKey: auditKey(keyFiles, randomBytes),
    now: wallClock,
    parameters: JSON.stringify([profile.name, parameters, riskFunction, countryCode, gaen.keyServer.exports]),
  })
}

async function serveFrom(store: Store, keyFiles: KeyFiles, audit: AuditLog, options: ServeOptions): Promise<Running> {
  const deps = makeDeps({
    store,
    audit,
    keyFiles,
    random: randomBytes,
    settings: options.settings,
    ...(options.exports !== undefined && { exportFiles: directoryFiles(options.exports) }),
    crew: crewOf(options.threads ?? availableParallelism() - 1),
    clockIsSteady: watchClock(wallClock, monotonicClock),
  })
  checkCalendar(deps, wallClock())
  checkSupply(deps)
  const description = await checkSetUp(deps)
  await checkClock(deps, wallClock(), options.acceptClock === true)
  audit.append('server.started', { setUp: toHex(sha256(ascii(description))) })
  await keepServerKeys(deps, wallClock())
  warmUp()
  const listening = await listen(deps, wallClock, options)
  const stopJobs = runJobs(deps, wallClock)
  return {
    deps,
    url: listening.url,
    close: async () => {
      await stopJobs()
      await listening.close()
      await deps.crew.close()
      await store.close()
      audit.close()
    },
  }
}

function checkCalendar(deps: Deps, at: UnixSeconds): void {
  const epoch = epochAt(deps.calendar, at)
  if (epoch < 0) throw new Error('the service starts in the future: give another --service-start')
  if (epoch > LAST_SERVICE_EPOCH) throw new Error('the 24-bit epoch counter nears its end: set up a new service')
}

/** Three quarters of what a reply carries: renewals take turns with status requests. */
const MOST_EPOCHS_A_POLL = 0.75 * REPLY_PAIRS

/** Where a day has more epochs than a reply carries, phones that ask too seldom run out of identifiers after some days. */
function checkSupply({ robert: { calendar, parameters } }: Deps): void {
  const longest = MOST_EPOCHS_A_POLL * calendar.epochDuration
  if (epochsIn(calendar, 1) <= REPLY_PAIRS || parameters.pollInterval <= longest) return
  throw new Error(
    `pollInterval: at most ${longest} s with epochs of ${calendar.epochDuration} s, or identifiers run out`,
  )
}

/** Compares the clock with the last time that this back-end noted: behind it nothing may run, far beyond it only if told so. */
async function checkClock(deps: Deps, at: UnixSeconds, accepted: boolean): Promise<void> {
  const last = await deps.store.transaction((tx) => tx.lastTime())
  const passed = at - (last ?? at)
  const since = `${new Date((last ?? at) * 1000).toISOString()}, when this back-end last ran`
  if (passed < -CLOCK_TOLERANCE) throw new Error(`the clock is behind ${since}: set it right`)
  if (passed > LONGEST_REST && !accepted) {
    throw new Error(`the clock is more than 30 days after ${since}: if it is right, start once with --accept-clock`)
  }
  if (passed > LONGEST_REST) deps.audit.append('clock.accepted', { restedDays: Math.floor(passed / DAY_SECONDS) })
  await deps.store.transaction((tx) => tx.noteTime(at))
}

/** A database belongs to one calendar, country, profile and set of keys: with others its rows would say something else. */
async function checkSetUp(deps: Deps): Promise<string> {
  const { calendar, settings, keys } = deps
  const keyCheck = toHex(sha256(keys.vaultKey).subarray(0, 4))
  const description = JSON.stringify({
    ...calendar,
    countryCode: settings.countryCode,
    profile: settings.profile.name,
    keyCheck,
  })
  const remembered = await deps.store.transaction((tx) => tx.setUp(description))
  if (remembered !== description) {
    throw new Error(
      `this database was set up as ${remembered}, not as ${description}: start it with its own set-up and keys`,
    )
  }
  return description
}

/** Listens; with `nextPort` a taken port is answered by the next free one. */
export async function listen(
  deps: Deps,
  now: () => UnixSeconds,
  { host, port, nextPort = false, pages = {} }: Pick<ServeOptions, 'host' | 'port' | 'nextPort' | 'pages'>,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  for (let tried = port; ; tried++) {
    const app = makeHttp(deps, now, pages)
    try {
      const url = await app.listen({ host, port: tried })
      return { url, close: () => app.close() }
    } catch (error) {
      await app.close()
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken || !nextPort || tried >= port + 100) throw error
    }
  }
}

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

/** Runs the rows of `jobs.ts` when they are due, one at a time. A job that fails is counted and runs again at its next turn. */
export function runJobs(deps: Deps, now: () => UnixSeconds): () => Promise<void> {
  const due = new Map(jobsOf(deps).map((job) => [job, now()]))
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

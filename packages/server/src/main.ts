// The edge of the back-end: the wall clock, real randomness, one timer, a listening socket.
import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { ascii, toHex, type UnixSeconds } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import { auditFiles } from './audit/file-log.ts'
import { type AuditLog, NO_AUDIT, openAudit } from './audit/log.ts'
import { crewOf } from './crew/threads.ts'
import { type Deps, makeDeps, type Settings } from './deps.ts'
import { directoryFiles } from './export-files.ts'
import { keepServerKeys } from './flows/server-keys.ts'
import type { Pages } from './http.ts'
import { jobsOfRole, type Role } from './jobs.ts'
import { auditKey } from './keys/audited-keys.ts'
import { directoryKeys, type KeyFiles, memoryKeys } from './keys/key-files.ts'
import { listen } from './listen.ts'
import { runJobs } from './run-jobs.ts'
import { checkCalendar, checkClock, checkSetUp, checkSupply } from './start-checks.ts'
import { watchClock } from './steady-clock.ts'
import { openStore } from './store/open.ts'
import type { Store } from './store/store.ts'
import { warmUp } from './warm-up.ts'

export const wallClock = (): UnixSeconds => Math.floor(Date.now() / 1000) as UnixSeconds

const monotonicClock = (): number => performance.now() / 1000

export interface ServeOptions {
  readonly settings: Settings
  /** What this process does of a back-end that may be several over one store and one key directory. Default: everything. */
  readonly role?: Role
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
  const { role = 'all' } = options
  if (role !== 'front') await keepServerKeys(deps, wallClock())
  if (role !== 'worker') warmUp()
  const listening = await listen(deps, wallClock, options)
  const stopJobs = runJobs(deps, wallClock, jobsOfRole(deps, role))
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

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
import { keepDepartures } from './flows/keep-departures.ts'
import { keepServerKeys } from './flows/server-keys.ts'
import type { Pages } from './http.ts'
import type { Role } from './jobs.ts'
import { auditedKeys } from './keys/audited-keys.ts'
import { backupKey } from './keys/backup-key.ts'
import { type KeyFiles, memoryKeys } from './keys/key-files.ts'
import { openKeys } from './keys/wrapped-keys.ts'
import type { Log } from './log.ts'
import { makeMeter } from './meter.ts'
import { type Turning, turn } from './running.ts'
import { checkCalendar, checkClock, checkGeneration, checkSetUp, checkSupply } from './start-checks.ts'
import { watchClock } from './steady-clock.ts'
import { openStore } from './store/open.ts'
import type { Store } from './store/store.ts'
import { timedStore } from './store/timed.ts'
import type { TlsFiles } from './tls.ts'
import { backupDays, NO_TOMBSTONES, openTombstones, type Tombstones, tombstoneKey } from './tombstones.ts'
import { auditSigner, plainVault } from './vault/software.ts'
import type { Vault } from './vault/vault.ts'
import { warmUp } from './warm-up.ts'

export const wallClock = (): UnixSeconds => Math.floor(Date.now() / 1000) as UnixSeconds

/** What a process tells the time by. */
export interface Clocks {
  readonly wall: () => UnixSeconds
  /** Seconds since some moment; never steps. */
  readonly monotonic: () => number
}

const MACHINE: Clocks = { wall: wallClock, monotonic: () => performance.now() / 1000 }

export interface ServeOptions {
  readonly settings: Settings
  /** What this process does of a back-end that may be several over one store and one key directory. Default: everything. */
  readonly role?: Role
  /** A URL that `openStore` knows. */
  readonly store: string
  /** Directory of the keys; undefined keeps them in memory, for services that end with the process. */
  readonly keys: string | undefined
  /** Holds the keys that are used where they lie, and wraps the others. Default: all lie in the key directory as they are. */
  readonly vault?: Vault
  /** File of the audit log; without it none is kept. */
  readonly audit?: string
  /** Directory of the GAEN exports; without it none are made. */
  readonly exports?: string
  /** Directory of the tombstones of who left; without it nobody is remembered, and a restored backup revives who left since. */
  readonly departed?: string
  readonly host: string
  /** The port to listen on; 0 for any free one. */
  readonly port: number
  /** Whether the next free port is taken when the wanted one is not free. */
  readonly nextPort?: boolean
  readonly pages?: Pages
  /** Certificate files; without them a proxy ends TLS. */
  readonly tls?: TlsFiles
  /** Where the metrics are served; without it nowhere. */
  readonly metrics?: { readonly host: string; readonly port: number }
  /** `strict` takes nothing in while no synchronous standby has it. Default: `normal`, what the store makes durable by itself. */
  readonly durability?: 'normal' | 'strict'
  /** Default: nothing is said. */
  readonly log?: Log
  /** Threads for the cryptography of batches, beside the one that serves. Default: one for every other processor. */
  readonly threads?: number
  /** Starts although much time has passed since the back-end last ran. */
  readonly acceptClock?: boolean
  /** Default: those of this machine. */
  readonly clocks?: Clocks
  /** Opens the store of a URL. Default: `openStore`. */
  readonly open?: (url: string) => Store
}

export interface Running extends Turning {
  readonly deps: Deps
}

/** Runs a back-end by the wall clock until it is closed. */
export async function serve(options: ServeOptions): Promise<Running> {
  const store = (options.open ?? openStore)(options.store)
  let audit = NO_AUDIT
  let tombstones = NO_TOMBSTONES
  try {
    const keyFiles = options.keys === undefined ? memoryKeys() : openKeys(options.keys, options.vault)
    audit = auditOf(options, keyFiles)
    tombstones = await tombstonesOf(options, auditedKeys(keyFiles, audit))
    return await serveFrom({ store, keyFiles, audit, tombstones }, options)
  } catch (error) {
    await tombstones.close()
    audit.close()
    await store.close()
    throw error
  }
}

function auditOf({ audit, vault, settings, clocks = MACHINE }: ServeOptions, keyFiles: KeyFiles): AuditLog {
  if (audit === undefined) return NO_AUDIT
  const { profile, parameters, riskFunction, countryCode, gaen } = settings
  return openAudit({
    files: auditFiles(audit),
    signer: auditSigner(vault ?? plainVault(keyFiles, randomBytes)),
    now: clocks.wall,
    parameters: JSON.stringify([profile.name, parameters, riskFunction, countryCode, gaen.keyServer.exports]),
  })
}

async function tombstonesOf(
  { departed, settings, clocks = MACHINE }: ServeOptions,
  keyFiles: KeyFiles,
): Promise<Tombstones> {
  if (departed === undefined) return NO_TOMBSTONES
  backupKey(keyFiles, randomBytes)
  return openTombstones({
    directory: departed,
    key: tombstoneKey(keyFiles, randomBytes),
    random: randomBytes,
    days: backupDays(settings.parameters.contagiousDays),
    at: clocks.wall(),
  })
}

interface Opened {
  readonly store: Store
  readonly keyFiles: KeyFiles
  readonly audit: AuditLog
  readonly tombstones: Tombstones
}

async function serveFrom({ store, keyFiles, audit, tombstones }: Opened, options: ServeOptions): Promise<Running> {
  const { wall, monotonic } = options.clocks ?? MACHINE
  const stop = new AbortController()
  const meter = makeMeter()
  const deps = makeDeps({
    store: timedStore(store, monotonic, (seconds) => meter.observe('transaction', seconds)),
    meter,
    audit,
    tombstones,
    keyFiles,
    ...(options.vault !== undefined && { vault: options.vault }),
    random: randomBytes,
    settings: options.settings,
    ...(options.exports !== undefined && { exportFiles: directoryFiles(options.exports) }),
    crew: crewOf(options.threads ?? availableParallelism() - 1),
    clockIsSteady: watchClock(wall, monotonic),
    stopping: stop.signal,
  })
  checkCalendar(deps, wall())
  checkSupply(deps)
  await checkGeneration(deps)
  const description = await checkSetUp(deps)
  await checkClock(deps, wall(), options.acceptClock === true)
  audit.append('server.started', { setUp: toHex(sha256(ascii(description))) })
  const { role = 'all' } = options
  if (role !== 'front') await keepServerKeys(deps, wall())
  await keepDepartures(deps, wall())
  if (role !== 'worker') warmUp()
  const turning = await turn(deps, wall, options)
  return {
    ...turning,
    deps,
    close: async () => {
      options.log?.('server.stopping', {})
      stop.abort()
      await turning.close()
      await deps.crew.close()
      await store.close()
      await tombstones.close()
      audit.close()
      options.log?.('server.stopped', {})
    },
  }
}

import type { Calendar, Random, UnixSeconds } from '@vicinity/protocol'
import {
  type ContactContext,
  DEFAULT_PARAMETERS,
  DEFAULT_RISK_FUNCTION,
  federationCipher,
  NEW_STATUS,
  type Parameters,
  type PermanentId,
  type Profile,
  parametersFor,
  type RequestContext,
  type RiskFunctionName,
  SIZE,
  SPEC,
} from '@vicinity/protocol/robert'
import { type AuditLog, NO_AUDIT } from './audit/log.ts'
import type { Condition } from './conditions.ts'
import { type Crew, INLINE } from './crew/crew.ts'
import { type Download, downloadUntil } from './download.ts'
import type { ExportFiles } from './export-files.ts'
import { DEFAULT_GAEN_SETTINGS, type GaenSettings } from './gaen-settings.ts'
import { auditedKeys } from './keys/audited-keys.ts'
import { type GaenKeys, gaenKeys } from './keys/gaen-keys.ts'
import type { KeyFiles } from './keys/key-files.ts'
import { KeyRing } from './keys/key-ring.ts'
import { type RotatingKeys, rotatingKeys } from './keys/rotating-keys.ts'
import type { UserKey } from './keys/sealed.ts'
import { type Meter, makeMeter } from './meter.ts'
import type { Store, StoredUser } from './store/store.ts'
import { NO_TOMBSTONES, type Tombstones } from './tombstones.ts'
import { plainVault } from './vault/software.ts'
import type { Vault } from './vault/vault.ts'

/** What a deployment chooses when it is set up. */
export interface Settings {
  readonly serviceStart: UnixSeconds
  readonly countryCode: number
  /** Country codes of the federation's other members. */
  readonly peers: ReadonlySet<number>
  readonly profile: Profile
  readonly parameters: Parameters
  readonly riskFunction: RiskFunctionName
  /** The bearer token of the health authority; undefined closes its endpoints. */
  readonly authorityToken: string | undefined
  /** Milliseconds: replies that must tell nothing by their time leave at multiples of it after their requests came. 0: when ready. */
  readonly replyGrid: number
  readonly gaen: GaenSettings
  /** Uploads are answered with 503 while more items wait: what a disk, and the hours after a stop, can bear. */
  readonly mostQueuedItems: number
}

export const DEFAULT_SETTINGS: Settings = {
  serviceStart: (Date.UTC(2020, 5, 1) / 1000) as UnixSeconds,
  countryCode: 33,
  peers: new Set(),
  profile: SPEC,
  parameters: DEFAULT_PARAMETERS,
  riskFunction: DEFAULT_RISK_FUNCTION,
  authorityToken: undefined,
  replyGrid: 0,
  gaen: DEFAULT_GAEN_SETTINGS,
  mostQueuedItems: 20_000_000,
}

/** The defaults of a deployment with a profile. */
export const settingsFor = (profile: Profile): Settings => ({
  ...DEFAULT_SETTINGS,
  profile,
  parameters: parametersFor(profile),
})

/** Everything a flow may use. Time reaches a flow as its argument `at`. */
export interface Deps {
  readonly store: Store
  readonly keys: KeyRing
  /** Keys of the verification server. */
  readonly rotatingKeys: RotatingKeys
  /** Keys of the key server. */
  readonly gaenKeys: GaenKeys
  /** Where exports lie; undefined for a back-end that makes none. */
  readonly exportFiles: ExportFiles | undefined
  readonly download: Download
  /** What has to be provable later is in it before it is done. */
  readonly audit: AuditLog
  readonly crew: Crew
  /** Who left, for when the database is restored. */
  readonly tombstones: Tombstones
  /** Answers one authenticated request. Without it over HTTP together with others (collector.ts), else by itself. */
  readonly requests?: (request: Uint8Array) => Promise<Uint8Array>
  readonly settings: Settings
  readonly random: Random
  /** What GAEN draws from: in runs that are repeated neither protocol moves the other's draws. */
  readonly gaenRandom: Random
  readonly calendar: Calendar
  /** What the decisions of the protocol need to know. */
  readonly robert: ContactContext & RequestContext
  /** Counts what happened, by a name that tells nothing about anybody. */
  readonly count: (what: string, times?: number) => void
  readonly counts: ReadonlyMap<string, number>
  /** Durations, sizes and how the jobs go. */
  readonly meter: Meter
  /** What else has to hold for this back-end to be ready (conditions.ts): set by whoever watches it. */
  readonly conditions: Map<Condition, () => boolean>
  /** Aborted when the back-end is to stop: work that comes in batches ends with the one that it is in. */
  readonly stopping: AbortSignal
  /** Whether the wall clock agrees with the monotonic one. */
  readonly clockIsSteady: () => boolean
  /** Seals a key of a user for the store and opens it again, bound to the user and to which key it is. */
  readonly seal: (which: UserKey, id: PermanentId, key: Uint8Array) => Uint8Array
  readonly open: (which: UserKey, id: PermanentId, sealed: Uint8Array) => Uint8Array
  /** An entry of IDTable to open where a request has none, sealed like every other. */
  readonly nobody: StoredUser
}

export interface DepsInput {
  readonly store: Store
  readonly keyFiles: KeyFiles
  /** Holds the keys that are used where they lie. Default: they lie among the key files, each made where there is none. */
  readonly vault?: Vault
  readonly random: Random
  /** Default: `random`. */
  readonly gaenRandom?: Random
  readonly settings: Settings
  /** Default: no exports. */
  readonly exportFiles?: ExportFiles
  /** Fetches the exports of other servers. Default: over HTTP. */
  readonly download?: Download
  /** Default: nothing is logged, as in the lab. */
  readonly audit?: AuditLog
  /** Default: this thread does everything. */
  readonly crew?: Crew
  /** Default: nobody is remembered, as in the lab. */
  readonly tombstones?: Tombstones
  /** Default: a clock that never steps, as in the lab. */
  readonly clockIsSteady?: () => boolean
  /** Default: never. */
  readonly stopping?: AbortSignal
  /** Default: a new one. */
  readonly meter?: Meter
}

/** As large as ids mostly are, for small numbers are written quicker. Where a user has it, it is no secret: nothing is stored under it. */
const NO_PHONE: PermanentId = 2 ** 40 - 1

export function makeDeps({
  store,
  audit = NO_AUDIT,
  keyFiles: files,
  vault,
  random,
  gaenRandom = random,
  exportFiles,
  settings,
  crew = INLINE,
  tombstones = NO_TOMBSTONES,
  clockIsSteady = () => true,
  stopping = new AbortController().signal,
  meter = makeMeter(),
  download = downloadUntil(stopping),
}: DepsInput): Deps {
  const keyFiles = auditedKeys(files, audit)
  const keys = new KeyRing(keyFiles, random, vault ?? plainVault(keyFiles, random))
  const counts = new Map<string, number>()
  const { profile, parameters, countryCode, peers } = settings
  const calendar = { serviceStart: settings.serviceStart, epochDuration: parameters.epochDuration }
  const seal: Deps['seal'] = keys.sealUserKey
  return {
    store,
    keys,
    rotatingKeys: rotatingKeys(keyFiles, gaenRandom),
    gaenKeys: gaenKeys(keyFiles, gaenRandom, vault ?? plainVault(keyFiles, gaenRandom)),
    exportFiles,
    download,
    audit,
    crew,
    tombstones,
    settings,
    random,
    gaenRandom,
    calendar,
    robert: {
      profile,
      parameters,
      countryCode,
      peers,
      calendar,
      federation: federationCipher(keys.federationKey),
      serverKeyOf: keys.serverKeyOf,
      riskFunction: settings.riskFunction,
      replyKey: keys.replyKey,
      drawKey: keys.drawKey,
      resetKey: keys.resetKey,
    },
    counts,
    meter,
    conditions: new Map(),
    stopping,
    clockIsSteady,
    count: (what, times = 1) => void counts.set(what, (counts.get(what) ?? 0) + times),
    seal,
    nobody: {
      id: NO_PHONE,
      authenticationKey: seal('authentication', NO_PHONE, new Uint8Array(SIZE.key)),
      encryptionKey: seal('encryption', NO_PHONE, new Uint8Array(SIZE.key)),
      exposedEpochs: new Uint8Array(0),
      status: NEW_STATUS,
    },
    open: keys.openUserKey,
  }
}

/** What `open` gives, or nothing where the store was altered: one bad row is counted and holds up nobody else. */
export function unlessAltered<Value>(deps: Deps, what: string, open: () => Value): readonly Value[] {
  try {
    return [open()]
  } catch {
    deps.count(what)
    return []
  }
}

/** Refused by a rule that the sender may know: answered with 403 and the reason. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly reason: string
  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

/** The service cannot answer now: 503. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

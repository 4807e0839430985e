// What a phone of GAEN knows, in one plain value. Steps change it in place; `snapshotGaen` is all that a host has to store.
import { Malformed, type Random, type UnixSeconds, type UtcDay } from '@vicinity/protocol'
import {
  DEFAULT_DAILY_SUMMARIES,
  DEFAULT_EXPOSURE_MODEL,
  type ExposureConfigurations,
  type ExposureModelName,
  type IntervalNumber,
  type TrustedKeys,
} from '@vicinity/protocol/gaen'
import { fromJson, type Json, toJson } from '../json.ts'
import type { Activity } from '../state.ts'
import type { GaenEffect } from './events.ts'
import type { Exposure } from './match-archive.ts'

/** What is built into an application: it is not part of a snapshot. */
export interface GaenSettings {
  /** Who may sign files of diagnosis keys. */
  readonly trusted: TrustedKeys
  /** Of the application, at the verification server. */
  readonly apiKey: string
  readonly healthAuthorityId: string
  /** Radiated power in dBm: those who hear it derive the attenuation. */
  readonly transmitPower: number
  /** When identifier and address change: at random after 10 to 20 minutes, or with each interval, so that runs can be compared. */
  readonly rotation: 'random' | 'interval'
  /** The key of the day of publication: `cut` short and published at once, or whole and `heldBack` by the server until it ends. */
  readonly sameDayKey: 'cut' | 'heldBack'
  readonly riskModel: ExposureModelName
  /** Of the model. */
  readonly riskConfiguration: ExposureConfigurations[ExposureModelName]
  /** Seconds between two looks at the index, and how much of it chance takes off. */
  readonly exportInterval: number
  /** Whether the phone now and then publishes nothing, in the same form as a real publication. */
  readonly chaff: boolean
  readonly indexPath: string
  /** What the names in the index are relative to. */
  readonly filesPath: string
}

export const DEFAULT_GAEN_PHONE: Omit<GaenSettings, 'trusted' | 'apiKey' | 'healthAuthorityId'> = {
  transmitPower: -15,
  rotation: 'random',
  sameDayKey: 'cut',
  riskModel: DEFAULT_EXPOSURE_MODEL,
  riskConfiguration: DEFAULT_DAILY_SUMMARIES,
  exportInterval: 4 * 3600,
  chaff: true,
  indexPath: '/exports/index.txt',
  filesPath: '/exports/',
}

/**
 * What the key server knows of a key: nothing; perhaps everything, since an answer was lost; that it is published, and the revision token
 * names it; or that nothing can change it any more, so that it is not sent again.
 */
export type KeyFate = 'private' | 'sent' | 'published' | 'closed'

/** A temporary exposure key of this phone, from its own random bits. */
export interface DailyKey {
  readonly keyData: Uint8Array
  readonly rollingStart: IntervalNumber
  /** 144, or fewer when it was cut short to be published. */
  rollingPeriod: number
  fate: KeyFate
}

/** All that the newest key broadcasts, derived once. */
export interface Schedule {
  readonly keyData: Uint8Array
  readonly identifiers: Uint8Array
  readonly encryptedMetadata: Uint8Array
}

export interface Download extends Activity {
  stage: 'idle' | 'index' | 'file' | 'match'
  /** Files of the index that are still to be read. */
  files: string[]
}

export type PublishedKey = Readonly<Pick<DailyKey, 'keyData' | 'rollingStart' | 'rollingPeriod'>>

export interface Publication extends Activity {
  /** `code`: nothing leaves the phone before the user consents. */
  stage: 'code' | 'verify' | 'certificate' | 'publish'
  /** Whether nothing is published: the requests look the same. */
  chaff: boolean
  readonly code: string
  readonly onset: UtcDay | undefined
  /** What the code is for, as the verification server says. */
  testType: string
  token: string
  certificate: string
  hmacKey: Uint8Array
  /** Keys as they are published, fixed before the certificate binds them. */
  keys: readonly PublishedKey[]
  /** Whether they were sent without an answer: the server may have them. */
  unanswered: boolean
}

export interface GaenState {
  readonly settings: GaenSettings
  installed: boolean
  /** Calls made so far: the number of the last one. */
  calls: number
  wakeAt: UnixSeconds | undefined
  /** Keys of the last 14 days by their start; of one start the newest last. */
  keys: DailyKey[]
  schedule: Schedule | undefined
  /** The 31 bytes that are broadcast now. */
  advertisement: Uint8Array | undefined
  /** When identifier and address change next. */
  rotateAt: UnixSeconds | undefined
  forgotten: UtcDay | undefined
  /** Advertisements that were not kept: malformed, our own, or too many. */
  ignored: number
  minute: number
  heardInMinute: number
  hour: number
  heardInHour: number

  download: Download
  /** Names in the index that were read. */
  read: string[]
  /** Diagnosis keys that were heard, with their sightings; those that were taken back without. */
  exposures: Exposure[]
  /** The newest day of exposure that the user was told. */
  warnedDay: UtcDay | undefined

  publication: Publication | undefined
  /** Publishes nothing, and now and then: by chance, or what is left of a publication that was refused. */
  chaff: Publication | undefined
  /** Base64; of the last publication. Empty when there is none. */
  revisionToken: string
  /** When chance is asked next whether to begin chaff. */
  nextChaff: UnixSeconds | undefined
}

export const idle = (): Download => ({ stage: 'idle', call: 0, due: undefined, failures: 0, files: [] })

export function newGaenPhone(settings: GaenSettings): GaenState {
  return {
    settings,
    installed: false,
    calls: 0,
    wakeAt: undefined,
    keys: [],
    schedule: undefined,
    advertisement: undefined,
    rotateAt: undefined,
    forgotten: undefined,
    ignored: 0,
    minute: 0,
    heardInMinute: 0,
    hour: 0,
    heardInHour: 0,
    download: idle(),
    read: [],
    exposures: [],
    warnedDay: undefined,
    publication: undefined,
    chaff: undefined,
    revisionToken: '',
    nextChaff: undefined,
  }
}

/** One step while it runs. */
export interface GaenStep {
  readonly state: GaenState
  readonly at: UnixSeconds
  readonly random: Random
  readonly effects: GaenEffect[]
}

const VERSION = 1

/** The state as JSON. Holds keys: a host stores it where the platform keeps secrets. */
export function snapshotGaen(state: GaenState): Json {
  // What the newest key broadcasts is derived again.
  const { settings: _, schedule: __, ...rest } = state
  return { version: VERSION, state: toJson(rest) }
}

/** The phone of a snapshot. Throws `Malformed` when this is no snapshot of this version. */
export function restoreGaen(json: unknown, settings: GaenSettings): GaenState {
  const saved = json as { readonly version?: unknown; readonly state?: unknown } | null | undefined
  if (saved?.version !== VERSION) throw new Malformed('snapshot.version', `${VERSION}`)
  const state = fromJson(saved.state)
  const names = Object.keys(newGaenPhone(settings)).filter((name) => name !== 'settings' && name !== 'schedule')
  if (typeof state !== 'object' || state === null || !names.every((name) => Object.hasOwn(state, name))) {
    throw new Malformed('snapshot.state', 'every field of a phone')
  }
  return { ...(state as Omit<GaenState, 'settings' | 'schedule'>), settings, schedule: undefined }
}

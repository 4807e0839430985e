// What a phone knows, in one plain value. Steps change it in place; `snapshot` is all that a host has to store.
import { type Calendar, type Epoch, Malformed, type UnixSeconds, type UtcDay } from '@vicinity/protocol'
import type { CODE, Parameters, Profile, RequestCode, SharedKeys } from '@vicinity/protocol/robert'
import { fromJson, type Json, toJson } from './json.ts'

/** What is built into an application: it is not part of a snapshot. */
export interface Settings {
  readonly profile: Profile
  /** pk_S, an uncompressed point (ROBERT §3.3). */
  readonly serverPublicKey: Uint8Array
  /** The choice of items before upload: `none` keeps everything that was heard. */
  readonly filter: 'none' | 'default'
}

/** Something that a phone is busy with and that one call at a time moves on. */
export interface Activity {
  stage: string
  /** Number of the outstanding call; 0 when none is. */
  call: number
  /** When to go on, or when an outstanding call counts as lost. In the phone's own clock: it is an interval, not a date. */
  due: UnixSeconds | undefined
  /** Failures in a row, for the back-off. */
  failures: number
}

export interface Registration extends Activity {
  stage: 'challenge' | 'solve' | 'register'
  /** Whether the phone was registered before. */
  readonly anew: boolean
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
  challenge: Uint8Array
  solution: Uint8Array
}

/** An authenticated request on its way. */
export interface Sending {
  readonly code: RequestCode
  readonly bytes: Uint8Array
  readonly builtAt: UnixSeconds
  resent: number
}

export interface Poll extends Activity {
  stage: 'request'
  /** When the next exchange begins. */
  next: UnixSeconds
  sending: Sending | undefined
}

/** The contagious window of the authority, cut to what a phone can have heard; both ends are outside (ROBERT §6.1). */
export interface Window {
  readonly contagiousFrom: UnixSeconds
  readonly contagiousTo: UnixSeconds
  readonly tokensPerDay: number
  /** Token requests of one redemption. */
  readonly chunk: number
}

export interface Declaration extends Activity {
  /** `code`: nothing leaves the phone before the user consents. */
  stage: 'code' | 'codeWindow' | 'recall' | 'redeemCode' | 'upload'
  readonly code: string
  window: Window | undefined
  firstDay: UtcDay
  /** Entries chosen, all days together. */
  total: number
  /** Entries that have their token. */
  redeemed: number
  /** Packed, so that thousands of entries are three byte strings: items of 21, randoms of 32, tokens of 64 bytes. */
  items: Uint8Array
  randoms: Uint8Array
  tokens: Uint8Array
}

/** Identifiers of consecutive epochs: EBID 8 | ECC 1 each. */
export interface Segment {
  first: Epoch
  pairs: Uint8Array
}

/** What was heard of one identifier in the current slot. */
export interface Observation {
  /** The first HELLO of the slot and when it was received. */
  readonly hello: Uint8Array
  readonly time: UnixSeconds
  /** How often each strength class was heard: as exact for a median as the list, and it does not grow. */
  readonly strengths: number[]
  lastMinute: number
  minutes: number
}

export interface Service {
  readonly calendar: Calendar
  readonly parameters: Parameters
}

export interface PhoneState {
  readonly settings: Settings
  /** Calls made so far: the number of the last one. */
  calls: number
  wakeAt: UnixSeconds | undefined
  /** Seconds to add to the phone's clock to have the back-end's. */
  clockOffset: number

  registration: Registration | undefined
  keys: SharedKeys | undefined
  /** Known since the first registration. */
  service: Service | undefined

  /** Identifiers of the present and the future, ascending. */
  identifiers: Segment[]
  /** The newest identifier ever received, even when its epoch is over: it still names the phone in a request (ROBERT §7). */
  newest: { readonly epoch: Epoch; readonly pair: Uint8Array } | undefined
  /** The epoch of the last rotation. */
  epoch: Epoch | undefined
  told: 'nothing' | 'broadcasting' | 'identifiersExhausted'
  /** The UTC day of the last `forget`. */
  forgotten: UtcDay | undefined

  slot: number
  observations: Observation[]
  /** HELLOs that were not taken: malformed, of another time, our own, or too many. */
  ignored: number

  poll: Poll | undefined
  /** Code of the last request that was not an acknowledgement; 0 before the first. */
  lastCode: number
  lastStatusEpoch: Epoch | undefined
  /** Replies in a row that could not be opened. */
  unopened: number
  notified: boolean
  exposureDay: UtcDay | 0
  /** Reply id of the "1": every later acknowledgement repeats it, so that a lost one loses nothing. */
  warning: Uint8Array | undefined

  declaration: Declaration | undefined

  /** What the user wants the back-end to do: it takes the place of the next status request. */
  wish: Wish | undefined
}

export interface Wish {
  readonly code: typeof CODE.unregister | typeof CODE.deleteHistory | typeof CODE.reset
  readonly payload: Uint8Array
  /** Whether a request of its own was built. */
  sent: boolean
  /** Replies to it that could not be opened. */
  unopened: number
  done: boolean
}

export function newPhone(settings: Settings): PhoneState {
  return {
    settings,
    calls: 0,
    wakeAt: undefined,
    clockOffset: 0,
    registration: undefined,
    keys: undefined,
    service: undefined,
    identifiers: [],
    newest: undefined,
    epoch: undefined,
    told: 'nothing',
    forgotten: undefined,
    slot: 0,
    observations: [],
    ignored: 0,
    poll: undefined,
    lastCode: 0,
    lastStatusEpoch: undefined,
    unopened: 0,
    notified: false,
    exposureDay: 0,
    warning: undefined,
    declaration: undefined,
    wish: undefined,
  }
}

/** A copy of our own: what the platform or a host gave may be a view, or be overwritten later. */
export const own = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

const VERSION = 1

/** The state as JSON. Holds keys: a host stores it where the platform keeps secrets. */
export function snapshot(state: PhoneState): Json {
  const { settings: _, ...rest } = state
  return { version: VERSION, state: toJson(rest) }
}

/** The phone of a snapshot. Throws `Malformed` when this is no snapshot of this version. */
export function restore(json: unknown, settings: Settings): PhoneState {
  const saved = json as { readonly version?: unknown; readonly state?: unknown } | null | undefined
  if (saved?.version !== VERSION) throw new Malformed('snapshot.version', `${VERSION}`)
  const state = fromJson(saved.state)
  const names = Object.keys(newPhone(settings)).filter((name) => name !== 'settings')
  if (typeof state !== 'object' || state === null || !names.every((name) => Object.hasOwn(state, name))) {
    throw new Malformed('snapshot.state', 'every field of a phone')
  }
  return { ...(state as Omit<PhoneState, 'settings'>), settings }
}

import type { UnixSeconds, UtcDay } from '@vicinity/protocol'
import type { Exposure } from './match-archive.ts'

/** One advertisement that was received: what GAEN keeps of it, and nothing else. */
export interface Heard {
  readonly at: UnixSeconds
  readonly identifier: Uint8Array
  readonly encryptedMetadata: Uint8Array
  /** dBm; undefined where the radio does not know it. */
  readonly strength: number | undefined
  /** When the radio had listened before, whatever it heard; undefined where the host does not know. */
  readonly previousScanAt: UnixSeconds | undefined
}

/** A request in the formats of the deployed world. */
export interface Outgoing {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** JSON; undefined for GET. */
  readonly body: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** What happens to a phone. */
export type GaenEvent =
  /** The user installed the application and agreed to take part. */
  | { readonly type: 'install' }
  /** The time asked for by `wake` has come. */
  | { readonly type: 'wake' }
  /** The radio received 31 bytes; strength in dBm when the radio knows it. */
  | {
      readonly type: 'heard'
      readonly advertisement: Uint8Array
      readonly strength?: number
      readonly previousScanAt?: UnixSeconds
    }
  /** The answer to a `send`, whatever its status. */
  | { readonly type: 'answered'; readonly call: number; readonly status: number; readonly body: Uint8Array }
  /** A `send` without an answer. */
  | { readonly type: 'failed'; readonly call: number }
  /** What a `match` found; `trusted` is false when the file bears no signature that this phone trusts. */
  | {
      readonly type: 'matched'
      readonly file: string
      readonly trusted: boolean
      readonly keys: readonly Exposure[]
    }
  /** The user entered the code of the authority, and the day of the first symptoms where there were any. */
  | { readonly type: 'declare'; readonly code: string; readonly onset?: UtcDay }
  /** The user agrees, or not, that the keys of the last days are published; may say no until they are sent. */
  | { readonly type: 'consent'; readonly given: boolean }
  /** The user leaves: broadcasting stops, everything on the phone goes. */
  | { readonly type: 'leave' }

export type GaenNotice =
  /** Told again when the newest day of exposure changes. */
  | { readonly what: 'atRisk'; readonly exposureDay: UtcDay }
  /** The authority took back what the warning rested on, or its days are over. */
  | { readonly what: 'warningEnded' }
  /** The user needs another code: this one is wrong, used or too old, or the authority does not take what it is for. */
  | { readonly what: 'codeRefused' }
  /** `count` keys were sent; the server may have left out some that are too old. */
  | { readonly what: 'keysPublished'; readonly count: number }
  /** After a negative test: what was published before no longer warns anybody. */
  | { readonly what: 'keysTakenBack'; readonly count: number }
  | { readonly what: 'left' }

/** What a phone wants done. Its host performs effects in order and never decides anything. */
export type GaenEffect =
  | { readonly type: 'send'; readonly call: number; readonly request: Outgoing }
  /** Compare a file of diagnosis keys with the log: `matchKeys`, apart from what must answer. */
  | { readonly type: 'match'; readonly file: string; readonly archive: Uint8Array }
  /** Append to the host's log of what was heard. */
  | { readonly type: 'keep'; readonly heard: Heard }
  /** Remove from the log what was received before this time. */
  | { readonly type: 'forget'; readonly before: UnixSeconds }
  /** Change the radio's random address now, together with the identifier. */
  | { readonly type: 'rotateAddress' }
  /** Step again at this time at the latest; replaces the wake-up asked for before. */
  | { readonly type: 'wake'; readonly at: UnixSeconds }
  /** Save `snapshotGaen(state)` before performing the effects that follow. */
  | { readonly type: 'persist' }
  | { readonly type: 'tell'; readonly notice: GaenNotice }

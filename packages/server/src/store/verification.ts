// The verbs of the verification server: codes, tokens, tallies (GAEN). It shares no table with the key server.
import type { UnixSeconds, UtcDay } from '@vicinity/protocol'
import type { TestType } from '@vicinity/protocol/gaen'

/** A code for one diagnosed person. Whatever could be guessed or names somebody is a keyed HMAC of 32 bytes. */
export interface VerificationCodeRow {
  /** Of the UUID by which the issuer asks about it. */
  readonly handle: Uint8Array
  readonly code: Uint8Array
  /** Undefined where only a short one was given. */
  readonly longCode: Uint8Array | undefined
  readonly testType: TestType
  readonly symptomDay: UtcDay | undefined
  readonly testDay: UtcDay | undefined
  readonly expires: UnixSeconds
  readonly longExpires: UnixSeconds
  /** What has to come with the code; undefined where nothing has to. */
  readonly nonce: Uint8Array | undefined
  /** Whose report without the authority this is; undefined for codes of the authority. */
  readonly phone: Uint8Array | undefined
}

/** A code as it is found: what it was is forgotten before its status is. */
export interface FoundCode extends Omit<VerificationCodeRow, 'code' | 'longCode'> {
  readonly claimed: boolean
  /** Whether it was found by its long form. */
  readonly long: boolean
}

/** HMACs of one text under the key in use and under the one before, or twice the same where there is none. */
export type Hashes = readonly [Uint8Array, Uint8Array]

/** A handle, phone, or token that nothing has: requests that find nothing run the same statements with it. */
export const NO_HASH = new Uint8Array(32)
/** What a request that gets no token adds: nothing, with the same statement. */
export const NO_TOKEN: { readonly hash: Uint8Array; readonly expires: UnixSeconds } = {
  hash: NO_HASH,
  expires: -1 as UnixSeconds,
}

/** How often something happened in a window of time. */
export interface Tally {
  readonly calls: number
  readonly chaff: number
  readonly wrong: number
  readonly issued: number
}

export interface VerificationVerbs {
  /** False when its handle, its code or its long code is taken. */
  readonly addVerificationCode: (code: VerificationCodeRow) => Promise<boolean>
  /** By its short or its long form. */
  readonly verificationCodeOf: (hashes: Hashes) => Promise<FoundCode | undefined>
  readonly verificationCodeByHandle: (handles: Hashes) => Promise<FoundCode | undefined>
  /** False when it was claimed before, and when there is none. */
  readonly claimVerificationCode: (handle: Uint8Array) => Promise<boolean>
  /** Ends a code that nobody claimed: false when somebody did. */
  readonly expireVerificationCode: (handle: Uint8Array, at: UnixSeconds) => Promise<boolean>
  readonly removeVerificationCode: (handle: Uint8Array) => Promise<void>

  readonly addVerificationToken: (hash: Uint8Array, expires: UnixSeconds) => Promise<void>
  /** Once only, and only before it expires: else false. */
  readonly spendVerificationToken: (hash: Uint8Array, at: UnixSeconds) => Promise<boolean>

  /** Notes that a phone number reported: false when it did before and that has not expired. */
  readonly addReport: (phones: Hashes, expires: UnixSeconds, at: UnixSeconds) => Promise<boolean>
  /** Remembers a report for longer. Does nothing for `NO_HASH`. */
  readonly keepReport: (phone: Uint8Array, expires: UnixSeconds) => Promise<void>
  readonly removeReport: (phone: Uint8Array) => Promise<void>

  readonly tallyOf: (window: number) => Promise<Tally>
  readonly addToTally: (window: number, tally: Tally) => Promise<void>
  /** Codes issued in the windows from `from` on. */
  readonly issuedSince: (from: number) => Promise<number>

  /** Forgets the codes themselves, nonces and phones, of what ended before `secretsBefore`, and all of what ended before `before`. */
  readonly forgetVerificationCodes: (secretsBefore: UnixSeconds, before: UnixSeconds) => Promise<void>
  readonly forgetVerificationTokens: (before: UnixSeconds) => Promise<void>
  readonly forgetReports: (before: UnixSeconds) => Promise<void>
  readonly forgetTallies: (before: number) => Promise<void>
}

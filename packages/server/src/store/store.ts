import type { Random, UnixSeconds, UtcDay } from '@vicinity/protocol'
import type { PermanentId, UserStatus } from '@vicinity/protocol/robert'
import type { DepartureVerbs } from './departures.ts'
import type { KeyServerVerbs } from './key-server.ts'
import type { SealedKeysVerbs } from './sealed-keys.ts'
import type { VerificationVerbs } from './verification.ts'

/** An entry of IDTable as it lies in the store: keys are sealed (`deps.seal`), exposures are packed, 4 bytes each. */
export interface StoredUser {
  readonly id: PermanentId
  readonly authenticationKey: Uint8Array
  readonly encryptionKey: Uint8Array
  readonly status: UserStatus
  readonly exposedEpochs: Uint8Array
}

/** A status to replace: it takes effect only where `from` is still what is stored. */
export interface StatusChange {
  readonly id: PermanentId
  readonly from: UserStatus
  readonly to: UserStatus
  /** Where `id` is nobody's: the user at whose row an engine may look instead, to do what it does for a change. */
  readonly instead?: PermanentId
}

export interface ExposureRow {
  readonly id: PermanentId
  /** Packed exposures of 4 bytes each. */
  readonly exposures: Uint8Array
}

/** An uploaded item as it waits, sealed under the intake key of its window. */
export interface QueuedItem {
  readonly rowId: Uint8Array
  readonly body: Uint8Array
}

/** What waits in the queue. */
export interface QueueState {
  /** About so many; exact up to a thousand in a window. */
  readonly items: number
  readonly oldestWindow: number | undefined
}

/** A code of the authority: only its hash is stored. */
export interface CodeRow {
  readonly hash: Uint8Array
  readonly contagiousFrom: UnixSeconds
  readonly contagiousTo: UnixSeconds
  readonly expires: UnixSeconds
}

/** An id that no user has: a request without a user runs the same statements with it. */
export const NOBODY: PermanentId = -1

/** A token that was shown, by its contact day. */
export interface SpentToken {
  readonly day: UtcDay
  readonly spentKey: Uint8Array
}

/** What a request without a token spends: nothing, with the same statement. */
export const NOTHING_SPENT: SpentToken = { day: -1 as UtcDay, spentKey: new Uint8Array(16) }

/** The verbs of one transaction. Batches are arrays of distinct ids. No invariant rests on an isolation level. */
export interface Transaction extends VerificationVerbs, KeyServerVerbs, DepartureVerbs, SealedKeysVerbs {
  /** The newest time that was noted; undefined in a new store. */
  readonly lastTime: () => Promise<UnixSeconds | undefined>
  readonly noteTime: (at: UnixSeconds) => Promise<void>
  /** What the store was set up with; remembers `description` when it is new. */
  readonly setUp: (description: string) => Promise<string>

  // IDTable
  /** False when the id is taken: draw another. */
  readonly addUser: (user: Omit<StoredUser, 'status' | 'exposedEpochs'>) => Promise<boolean>
  readonly authenticationKeysOf: (ids: readonly PermanentId[]) => Promise<ReadonlyMap<PermanentId, Uint8Array>>
  readonly usersOf: (ids: readonly PermanentId[]) => Promise<ReadonlyMap<PermanentId, StoredUser>>
  /**
   * For each id its user; where it has none some other, or undefined. A look-up that misses does what one that hits does. Ids may
   * repeat.
   */
  readonly nearestUsers: (ids: readonly PermanentId[]) => Promise<readonly (StoredUser | undefined)[]>
  /** Compare and set, one atomic statement a row: the ids whose change took effect. */
  readonly changeStatuses: (changes: readonly StatusChange[]) => Promise<ReadonlySet<PermanentId>>
  /** Removes users with all that belongs to them; their late items find nobody. Ids without a user do nothing. */
  readonly removeUsers: (ids: readonly PermanentId[]) => Promise<void>
  /** Empties LEE. */
  readonly clearExposures: (ids: readonly PermanentId[]) => Promise<void>
  /** Appends to LEE. An id without a user gets no row. */
  readonly appendExposures: (rows: readonly ExposureRow[]) => Promise<void>
  /** Users with exposures in ascending order of id, beginning above `after`. */
  readonly exposuresAfter: (after: PermanentId, limit: number) => Promise<readonly ExposureRow[]>
  /** Replaces LEE where it is still `exposures`; an empty `to` removes the row. */
  readonly replaceExposures: (rows: readonly (ExposureRow & { readonly to: Uint8Array })[]) => Promise<void>

  // Uploaded items
  /** For each: false when it was spent before, also by one before it in the batch, and for `NOTHING_SPENT`. */
  readonly spendTokens: (tokens: readonly SpentToken[]) => Promise<readonly boolean[]>
  /** Forgets tokens of contact days before `day`. */
  readonly forgetTokens: (day: UtcDay) => Promise<void>
  readonly queueItem: (window: number, rowId: Uint8Array, sealedItem: Uint8Array) => Promise<void>
  /** Windows that still have items, ascending. */
  readonly queuedWindows: () => Promise<readonly number[]>
  /** Cheap, however much waits. */
  readonly queueState: () => Promise<QueueState>
  /** Items of a window in the order of their random row ids, beginning above `after`. They stay in the queue. */
  readonly queuedItems: (window: number, limit: number, after?: Uint8Array) => Promise<readonly QueuedItem[]>
  /** Takes items out of the queue, one atomic statement a row: for each, whether it was still there. A rollback puts them back. */
  readonly claimItems: (window: number, rowIds: readonly Uint8Array[]) => Promise<readonly boolean[]>

  // Registration
  /** False when the challenge was spent before. */
  readonly spendChallenge: (spentKey: Uint8Array, expires: UnixSeconds) => Promise<boolean>
  readonly forgetChallenges: (before: UnixSeconds) => Promise<void>

  // The authority's side: shares no table with the users' side
  readonly addCode: (code: CodeRow) => Promise<void>
  readonly codeOf: (hash: Uint8Array) => Promise<CodeRow | undefined>
  /** Binds a chunk of a code to its requests: false when it was bound to others before. */
  readonly bindChunk: (hash: Uint8Array, day: UtcDay, chunk: number, digest: Uint8Array) => Promise<boolean>
  readonly forgetCodes: (before: UnixSeconds) => Promise<void>
}

/** Where the back-end keeps everything that must survive it. Engines are chosen by URL: see `open.ts`. */
export interface Store {
  /**
   * Commits when `run` resolves, rolls back when it rejects. `run` awaits nothing but the transaction's verbs, and leaves its mark
   * nowhere else: where the database gives a transaction up for another, it runs again from its start.
   */
  readonly transaction: <Result>(run: (tx: Transaction) => Promise<Result>) => Promise<Result>
  /** How many transactions run side by side; where it is not said one after the other. */
  readonly connections?: number
  /** Overwrites what was deleted as far as the engine's own files go: its log too no longer holds it. */
  readonly shred: () => Promise<void>
  readonly close: () => Promise<void>
}

/** So many transactions wait for their turn; one more is refused before any work. */
export const MOST_WAITING = 1024

export interface StoreOptions {
  /** Told the name of each statement as it runs, in order, never its values. */
  readonly onStatement?: (statement: string) => void
  /** What the pauses between attempts are drawn from. Default: the platform's. */
  readonly random?: Random
}

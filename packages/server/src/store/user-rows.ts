// Rows of IDTable as both engines keep them.
import type { Epoch } from '@vicinity/protocol'
import type { Notified, PermanentId, UserStatus } from '@vicinity/protocol/robert'
import type { StoredUser } from './store.ts'

const NOTIFIED: readonly Notified[] = ['none', 'pending', 'acknowledged']
const NONE = -1
const optional = (epoch: number): Epoch | undefined => (epoch === NONE ? undefined : (epoch as Epoch))

/**
 * A user as the engines read him. They give a row for every id, in SQLite that of the next user where it has none, and for every
 * user the exposures of the next who has some, which are his where `exposed` is his id; in PostgreSQL one that is filled up.
 */
export const storedUser = (row: Readonly<Record<string, unknown>>): StoredUser => ({
  id: row['id'] as PermanentId,
  authenticationKey: row['authentication_key'] as Uint8Array,
  encryptionKey: row['encryption_key'] as Uint8Array,
  exposedEpochs: exposuresIn((row['lee'] ?? NONE_AT_ALL) as Uint8Array, row['exposed'] === row['id']),
  status: {
    notified: NOTIFIED[row['notified'] as number]!,
    lastStatusRequestEpoch: optional(row['status_epoch'] as number),
    warnedThrough: optional(row['warned_through'] as number),
    lastRequestTag: row['request_tag'] as Uint8Array,
  },
})

/** In a store where nobody has any. */
const NONE_AT_ALL = new Uint8Array(0)

const exposuresIn = (lee: Uint8Array, isOwn: boolean): Uint8Array => lee.subarray(isOwn ? 0 : lee.length)

/** Of those that were read for `ids` the users who have them. */
export const foundUsers = (
  ids: readonly PermanentId[],
  nearest: readonly (StoredUser | undefined)[],
): Map<PermanentId, StoredUser> =>
  new Map(nearest.flatMap((user, k) => (user !== undefined && user.id === ids[k] ? [[user.id, user] as const] : [])))

/** The columns notified, status_epoch and warned_through of a status. */
export const statusColumns = (status: UserStatus) =>
  [NOTIFIED.indexOf(status.notified), status.lastStatusRequestEpoch ?? NONE, status.warnedThrough ?? NONE] as const

/** Rows of `nobody_status`. */
const IDLE_ROWS = 1024
/** Those of a batch lie apart, on different pages, like those of users. */
const STRIDE = 67
let nextIdle = 0
/** So many of those rows, others each time: transactions do not wait for each other, and none is at hand sooner than a user's. */
export function idleRows(count: number): number[] {
  const from = nextIdle
  nextIdle = (nextIdle + STRIDE * count) % IDLE_ROWS
  return Array.from({ length: count }, (_, k) => (from + STRIDE * k) % IDLE_ROWS)
}

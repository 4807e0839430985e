// Rows of IDTable as both engines keep them.
import type { Epoch } from '@vicinity/protocol'
import type { Notified, PermanentId, UserStatus } from '@vicinity/protocol/robert'
import type { StoredUser } from './store.ts'

const NOTIFIED: readonly Notified[] = ['none', 'pending', 'acknowledged']
const NONE = -1
const optional = (epoch: number): Epoch | undefined => (epoch === NONE ? undefined : (epoch as Epoch))

export const storedUser = (id: PermanentId, row: Readonly<Record<string, unknown>>): StoredUser => ({
  id,
  authenticationKey: row['authentication_key'] as Uint8Array,
  encryptionKey: row['encryption_key'] as Uint8Array,
  exposedEpochs: (row['lee'] as Uint8Array | null) ?? new Uint8Array(0),
  status: {
    notified: NOTIFIED[row['notified'] as number]!,
    lastStatusRequestEpoch: optional(row['status_epoch'] as number),
    warnedThrough: optional(row['warned_through'] as number),
    lastRequestTag: row['request_tag'] as Uint8Array,
  },
})

/** The columns notified, status_epoch and warned_through of a status. */
export const statusColumns = (status: UserStatus) =>
  [NOTIFIED.indexOf(status.notified), status.lastStatusRequestEpoch ?? NONE, status.warnedThrough ?? NONE] as const

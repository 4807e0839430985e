// Rows of IDTable as both engines keep them.
import type { Epoch } from '@vicinity/protocol'
import { type Notified, type PermanentId, SIZE, type UserStatus } from '@vicinity/protocol/robert'
import { SEALED_KEY } from '../keys/sealed.ts'
import type { StoredUser } from './store.ts'

/** Lengths of what stands where there is no row: those of rows as they mostly are, so that a miss takes as long as a hit. */
export const STAND_IN = { key: SEALED_KEY, tag: SIZE.requestTag, exposures: 3 * SIZE.exposure } as const

const NOTIFIED: readonly Notified[] = ['none', 'pending', 'acknowledged']
const NONE = -1
const optional = (epoch: number): Epoch | undefined => (epoch === NONE ? undefined : (epoch as Epoch))

/** A row that was read for an id. The engines give one for every id: where it has no user `found` is null, and the rest filled up. */
export const storedUser = (id: PermanentId, row: Readonly<Record<string, unknown>>): StoredUser => ({
  id,
  authenticationKey: row['authentication_key'] as Uint8Array,
  encryptionKey: row['encryption_key'] as Uint8Array,
  exposedEpochs: (row['lee'] as Uint8Array).subarray(row['exposed'] === null ? STAND_IN.exposures : 0),
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

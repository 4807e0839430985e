import { hmacSha256 } from '#crypto'
import { Writer } from '../bytes.ts'
import type { Epoch } from '../time.ts'
import { SIZE } from './constants.ts'
import type { PermanentId } from './ebid.ts'
import type { SharedKeys } from './keys.ts'

/** UN_A in three states, so that a lost reply "1" loses nobody (docs/divergences.md, 6). */
export type Notified = 'none' | 'pending' | 'acknowledged'

/** What changes in an entry of IDTable when its user asks (ROBERT §3.2.1). */
export interface UserStatus {
  readonly notified: Notified
  /** SRE_A; undefined before the first status request. */
  readonly lastStatusRequestEpoch: Epoch | undefined
  /** The newest exposure that warned the user, while notified; it names the episode. Exposures up to it do not count again. */
  readonly warnedThrough: Epoch | undefined
  /** The first 8 bytes of the MAC of the last status request that was decided: its repetition gets the same answer. */
  readonly lastRequestTag: Uint8Array
}

export const NEW_STATUS: UserStatus = {
  notified: 'none',
  lastStatusRequestEpoch: undefined,
  warnedThrough: undefined,
  lastRequestTag: new Uint8Array(SIZE.requestTag),
}

/** An entry of IDTable (ROBERT §3.2.1). */
export interface UserRecord extends SharedKeys {
  readonly id: PermanentId
  readonly status: UserStatus
  /** LEE_A: packed exposures of 4 bytes. */
  readonly exposedEpochs: Uint8Array
}

/**
 * The 8 bytes that an acknowledgement repeats. Derived, so that nothing is stored for a reply. `episode` is the exposure that
 * warned, undefined in a reply "0"; an exposure in epoch 0 is an episode like any other.
 */
export function replyIdOf(replyKey: Uint8Array, id: PermanentId, episode: Epoch | undefined): Uint8Array {
  const input = new Writer(9).uint(5, id).uint(4, episode === undefined ? 0 : episode + 1).bytes
  return hmacSha256(replyKey, input).subarray(0, SIZE.replyId)
}

// The keys of users change their data key: read and put back in pages, while everybody else goes on.
import type { PermanentId } from '@vicinity/protocol/robert'

/** The sealed keys of a user, whose first bytes name the data key (keys/sealed.ts). */
export interface SealedKeys {
  readonly id: PermanentId
  readonly authenticationKey: Uint8Array
  readonly encryptionKey: Uint8Array
}

export interface SealedKeysVerbs {
  /** Users whose keys are not both under the data key of a version, in ascending order of id, beginning above `after`. */
  readonly keysNotUnder: (version: number, after: PermanentId, limit: number) => Promise<readonly SealedKeys[]>
  /** Replaces the keys of a user where they are still `from`. */
  readonly replaceKeys: (rows: readonly { readonly from: SealedKeys; readonly to: SealedKeys }[]) => Promise<void>
}

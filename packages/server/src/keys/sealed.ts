import { ascii, concat, type Random, writeUint } from '@vicinity/protocol'
import { gcmOpen, gcmSeal } from '@vicinity/protocol/crypto'
import { type PermanentId, SIZE } from '@vicinity/protocol/robert'

/** Which of the two keys of a user. */
export type UserKey = 'authentication' | 'encryption'

/** Bytes of what is sealed for the store: IV 12 | ciphertext | tag 16; a key of a user has the version of its data key before that. */
export const SEALED_ITEM = SIZE.iv + SIZE.item + SIZE.gcmTag
export const SEALED_KEY = 1 + SIZE.iv + SIZE.key + SIZE.gcmTag

/** A data key, which seals the keys of users; a value of the store names the one that it is under in its first byte. */
export interface DataKey {
  /** 1 to 255. */
  readonly version: number
  readonly key: Uint8Array
}

const COLUMNS = {
  authentication: ascii('user_key.authentication_key'),
  encryption: ascii('user_key.encryption_key'),
} as const

/** Where a key of a user lies, table, column and row, and the version of the data key: what is moved elsewhere does not open. */
function placeOfKey(which: UserKey, id: PermanentId, version: number): Uint8Array {
  const row = new Uint8Array(1 + 6)
  row[0] = version
  writeUint(row, 1, 6, id)
  return concat(COLUMNS[which], row)
}

/** Seals a key of a user for its place in the store: `SEALED_KEY` bytes. */
export function sealUserKey(
  data: DataKey,
  which: UserKey,
  id: PermanentId,
  key: Uint8Array,
  random: Random,
): Uint8Array {
  const iv = random(SIZE.iv)
  return concat(Uint8Array.of(data.version), iv, gcmSeal(data.key, iv, key, placeOfKey(which, id, data.version)))
}

/** Undefined when none of the data keys opens it at its place. */
export function openUserKey(
  keyOfVersion: (version: number) => Uint8Array | undefined,
  which: UserKey,
  id: PermanentId,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const version = sealed[0] ?? 0
  const key = keyOfVersion(version)
  return key === undefined ? undefined : openSealed(key, placeOfKey(which, id, version), sealed.subarray(1))
}

/** Undefined when the bytes were not sealed under this key for this place. */
export const openSealed = (key: Uint8Array, place: Uint8Array, sealed: Uint8Array): Uint8Array | undefined =>
  gcmOpen(key, sealed.subarray(0, SIZE.iv), sealed.subarray(SIZE.iv), place)

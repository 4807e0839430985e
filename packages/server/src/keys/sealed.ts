import { writeUint } from '@vicinity/protocol'
import { gcmOpen } from '@vicinity/protocol/crypto'
import { type PermanentId, SIZE } from '@vicinity/protocol/robert'

/** Which of the two keys of a user. */
export type UserKey = 'authentication' | 'encryption'

/** Bytes of what is sealed for the store: IV 12 | ciphertext | tag 16. */
export const SEALED_ITEM = SIZE.iv + SIZE.item + SIZE.gcmTag
export const SEALED_KEY = SIZE.iv + SIZE.key + SIZE.gcmTag

/** Where a key of a user lies. */
export function placeOfKey(which: UserKey, id: PermanentId): Uint8Array {
  const place = new Uint8Array(1 + SIZE.ebid)
  place[0] = which === 'authentication' ? 1 : 2
  writeUint(place, 1, 6, id)
  return place
}

/** Undefined when the bytes were not sealed under this key for this place. */
export const openSealed = (key: Uint8Array, place: Uint8Array, sealed: Uint8Array): Uint8Array | undefined =>
  gcmOpen(key, sealed.subarray(0, SIZE.iv), sealed.subarray(SIZE.iv), place)

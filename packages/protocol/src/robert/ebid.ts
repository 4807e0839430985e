import { aesBlocks } from '#crypto'
import { readUint, writeUint } from '../bytes.ts'
import { eraseKey, type SkinnyKey, skinnyDecrypt, skinnyEncrypt, skinnyKey } from '../kernels/skinny.ts'
import type { Epoch } from '../time.ts'
import { SIZE } from './constants.ts'

/** K_S of one day, ready for use: SKINNY-64/192 needs all 24 bytes (docs/divergences.md, 5). */
export type ServerKey = SkinnyKey
export const serverKeyOf = (bytes: Uint8Array): ServerKey => skinnyKey(bytes)
/** Overwrites a key wherever it is held; it cannot be used again. */
export const eraseServerKey = (key: ServerKey): void => eraseKey(key)

/** A permanent identifier ID_A: 40 bits, as a number, known to the back-end only. */
export type PermanentId = number

/**
 * The EBIDs of one user for consecutive epochs, 8 bytes each (ROBERT §4): ENC(K_S, i | ID). All epochs share the server key.
 */
export function makeEbids(key: ServerKey, id: PermanentId, first: Epoch, count: number): Uint8Array {
  const blocks = new Uint8Array(SIZE.ebid * count)
  for (let k = 0; k < count; k++) {
    writeUint(blocks, SIZE.ebid * k, 3, first + k)
    writeUint(blocks, SIZE.ebid * k + 3, 5, id)
  }
  skinnyEncrypt(key, blocks)
  return blocks
}

/** Decrypts EBIDs in place to blocks of epoch 3 | id 5 (ROBERT §6.2 step 4, §7 step 3). */
export function openEbids(key: ServerKey, ebids: Uint8Array): void {
  skinnyDecrypt(key, ebids)
}

export const epochOfBlock = (blocks: Uint8Array, index: number): Epoch =>
  readUint(blocks, SIZE.ebid * index, 3) as Epoch
export const idOfBlock = (blocks: Uint8Array, index: number): PermanentId => readUint(blocks, SIZE.ebid * index + 3, 5)

/** The key stream of ROBERT §4: the first byte of AES(K_G, EBID | 0^64) for each of n EBIDs. K_G has 16 or 32 bytes. */
export type FederationCipher = (ebids: Uint8Array) => Uint8Array

export function federationCipher(federationKey: Uint8Array): FederationCipher {
  const encrypt = aesBlocks(federationKey)
  return (ebids) => {
    const count = ebids.length / SIZE.ebid
    const blocks = new Uint8Array(16 * count)
    for (let k = 0; k < count; k++) blocks.set(ebids.subarray(SIZE.ebid * k, SIZE.ebid * (k + 1)), 16 * k)
    const encrypted = encrypt(blocks)
    return Uint8Array.from({ length: count }, (_, k) => encrypted[16 * k]!)
  }
}

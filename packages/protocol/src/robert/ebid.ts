import { aesBlocks } from '#crypto'
import { viewOf, writeUint } from '../bytes.ts'
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

/** The EBIDs of one user for consecutive epochs, 8 bytes each. All epochs share the server key. */
export function makeEbids(key: ServerKey, id: PermanentId, first: Epoch, count: number): Uint8Array {
  const blocks = new Uint8Array(SIZE.ebid * count)
  writeEbidBlocks(blocks, 0, id, first, count)
  closeEbids(key, blocks)
  return blocks
}

/** Writes blocks of epoch 3 | id 5 for consecutive epochs, from row `row` on. */
export function writeEbidBlocks(blocks: Uint8Array, row: number, id: PermanentId, first: Epoch, count: number): void {
  for (let k = 0; k < count; k++) {
    writeUint(blocks, SIZE.ebid * (row + k), 3, first + k)
    writeUint(blocks, SIZE.ebid * (row + k) + 3, 5, id)
  }
}

/** Encrypts blocks of epoch 3 | id 5 in place: ENC(K_S, i | ID) of ROBERT §4, for as many users as the blocks are of. */
export function closeEbids(key: ServerKey, blocks: Uint8Array): void {
  skinnyEncrypt(key, blocks)
}

/** Decrypts EBIDs in place to blocks of epoch 3 | id 5 (ROBERT §6.2 step 4, §7 step 3). */
export function openEbids(key: ServerKey, ebids: Uint8Array): void {
  skinnyDecrypt(key, ebids)
}

/** Epoch and identifier of block `index`, for batches. */
export const epochInView = (blocks: DataView, index: number): Epoch =>
  (blocks.getUint32(SIZE.ebid * index) >>> 8) as Epoch
export const idInView = (blocks: DataView, index: number): PermanentId =>
  blocks.getUint8(SIZE.ebid * index + 3) * 0x100000000 + blocks.getUint32(SIZE.ebid * index + 4)

export const epochOfBlock = (blocks: Uint8Array, index: number): Epoch => epochInView(viewOf(blocks), index)
export const idOfBlock = (blocks: Uint8Array, index: number): PermanentId => idInView(viewOf(blocks), index)

/** The key stream of ROBERT §4: the first byte of AES(K_G, EBID | 0^64) for each of n EBIDs. K_G has 16 or 32 bytes. */
export type FederationCipher = (ebids: Uint8Array) => Uint8Array

const AES_BLOCK = 16

export function federationCipher(federationKey: Uint8Array): FederationCipher {
  const encrypt = aesBlocks(federationKey)
  return (ebids) => {
    const count = ebids.length / SIZE.ebid
    const from = viewOf(ebids)
    const blocks = new DataView(new ArrayBuffer(AES_BLOCK * count))
    for (let k = 0; k < count; k++) {
      blocks.setInt32(AES_BLOCK * k, from.getInt32(SIZE.ebid * k))
      blocks.setInt32(AES_BLOCK * k + 4, from.getInt32(SIZE.ebid * k + 4))
    }
    const encrypted = encrypt(new Uint8Array(blocks.buffer))
    const stream = new Uint8Array(count)
    for (let k = 0; k < count; k++) stream[k] = encrypted[AES_BLOCK * k]!
    return stream
  }
}

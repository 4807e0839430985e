// SKINNY-64 (Beierle et al., CRYPTO 2016) in batches: 32 blocks at once, bit by bit, in constant time (asm/skinny.ts).
import { type Kernel, loadKernel } from './load.ts'
import { DECRYPT, ENCRYPT, SKINNY_WASM } from './skinny.generated.ts'
import { roundTweakeys, skinnyTable, TABLE_WORDS } from './skinny-tables.ts'

declare const opaque: unique symbol

/** A key ready for use. It shows nothing of itself: neither a log nor JSON can give it away. */
export interface SkinnyKey {
  readonly [opaque]: true
}

interface Tables {
  readonly encrypt: Int32Array
  readonly decrypt: Int32Array
  /** Turns of four rounds. */
  readonly turns: number
}

const BLOCK = 8
const PASS = 32 * BLOCK
const DIRECTION = 4 * TABLE_WORDS

const tables = new WeakMap<SkinnyKey, Tables>()

/** Key schedule for keys of 8, 16 or 24 bytes (SKINNY-64/64, 64/128, 64/192). ROBERT uses 24: all of them key, no tweak. */
export function skinnyKey(key: Uint8Array): SkinnyKey {
  const rounds = roundTweakeys(key)
  const handle = Object.freeze({}) as SkinnyKey
  tables.set(handle, {
    encrypt: skinnyTable(rounds, ENCRYPT, false),
    decrypt: skinnyTable(rounds, DECRYPT, true),
    turns: rounds.length / 4,
  })
  rounds.fill(0)
  return handle
}

/** Encrypts blocks of 8 bytes in place. */
export function skinnyEncrypt(key: SkinnyKey, blocks: Uint8Array): void {
  loaded ??= load()
  run(loaded, loaded.encrypt, 0, key, blocks)
}

/** Decrypts blocks of 8 bytes in place. */
export function skinnyDecrypt(key: SkinnyKey, blocks: Uint8Array): void {
  loaded ??= load()
  run(loaded, loaded.decrypt, DIRECTION, key, blocks)
}

/** Forgets a key: its tables are overwritten wherever they are, and the last blocks with them. It cannot be used again. */
export function eraseKey(key: SkinnyKey): void {
  const held = tables.get(key)
  if (held === undefined) return
  held.encrypt.fill(0)
  held.decrypt.fill(0)
  tables.delete(key)
  if (loaded === undefined) return
  const slot = loaded.slots.indexOf(key)
  if (slot >= 0) {
    loaded.slots[slot] = undefined
    const at = loaded.keysAt + 2 * DIRECTION * slot
    loaded.memory.fill(0, at, at + 2 * DIRECTION)
  }
  loaded.wipe(loaded.chunk / PASS)
}

interface Loaded {
  readonly memory: Uint8Array
  readonly words: Int32Array
  readonly encrypt: (...values: number[]) => void
  readonly decrypt: (...values: number[]) => void
  readonly wipe: (passes: number) => void
  readonly blocksAt: number
  readonly keysAt: number
  /** Bytes of blocks that one call takes. */
  readonly chunk: number
  /** Which keys the module holds. */
  readonly slots: (SkinnyKey | undefined)[]
  oldest: number
}

// On first use, so that programs that never come here load nothing.
let loaded: Loaded | undefined

function load(): Loaded {
  const { memory, call, constant }: Kernel = loadKernel(SKINNY_WASM)
  return {
    memory,
    words: new Int32Array(memory.buffer),
    encrypt: call('encrypt'),
    decrypt: call('decrypt'),
    wipe: call('wipe'),
    blocksAt: constant('blocks'),
    keysAt: constant('keys'),
    chunk: BLOCK * constant('BLOCKS'),
    slots: new Array<SkinnyKey | undefined>(constant('SLOTS')).fill(undefined),
    oldest: 0,
  }
}

/** The slot of a key; a key that has none takes the place of the one that has been there longest. */
function slotOf(kernel: Loaded, key: SkinnyKey, held: Tables): number {
  const found = kernel.slots.indexOf(key)
  if (found >= 0) return found
  const slot = kernel.oldest
  kernel.oldest = (slot + 1) % kernel.slots.length
  kernel.slots[slot] = key
  const at = (kernel.keysAt + 2 * DIRECTION * slot) / 4
  kernel.words.set(held.encrypt, at)
  kernel.words.set(held.decrypt, at + TABLE_WORDS)
  return slot
}

function run(
  kernel: Loaded,
  direction: (...values: number[]) => void,
  table: number,
  key: SkinnyKey,
  blocks: Uint8Array,
): void {
  const held = tables.get(key)
  if (held === undefined) throw new RangeError('the SKINNY key was erased')
  const at = kernel.keysAt + 2 * DIRECTION * slotOf(kernel, key, held) + table
  const { memory, blocksAt, chunk } = kernel
  const end = blocks.length - (blocks.length % BLOCK)
  for (let from = 0; from < end; from += chunk) {
    const to = Math.min(from + chunk, end)
    memory.set(blocks.subarray(from, to), blocksAt)
    // The last pass may take in blocks of an earlier call; their results go nowhere.
    direction(at, Math.ceil((to - from) / PASS), held.turns)
    blocks.set(memory.subarray(blocksAt, blocksAt + to - from), from)
  }
}

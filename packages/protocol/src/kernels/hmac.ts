// HMAC-SHA256 of many messages of 12 bytes (the HELLO), each under its own key of 32 bytes, four at a time (asm/hmac.ts).
import { HMAC_WASM } from './hmac.generated.ts'
import { loadKernel } from './load.ts'

const KEY = 32
const MESSAGE = 12
const WIDE_MESSAGE = 16
const LANES = 4

/** Bytes of a MAC that the kernel gives: its first 8, in the order of the MAC. */
export const MAC_BYTES = 8
/**
 * Bytes of the midstates of one key: the states of the inner and of the outer hash after the padded key, 8 words of 32 bits
 * each, little-endian. They let anyone make MACs as the user: guard them like the key.
 */
export const MIDSTATE_BYTES = 64

/** MACs of `count` messages, in rows of 8 bytes. `keys` has rows of 32 bytes; `messages` rows of 12, or of 16 with 12 used. */
export function hmac12(keys: Uint8Array, messages: Uint8Array, count: number = keys.length / KEY): Uint8Array {
  loaded ??= load()
  return macs(loaded.fromKeys, keys, KEY, messages, count)
}

/** The same from rows of midstates: half the work. */
export function hmac12FromMidstates(
  midstateRows: Uint8Array,
  messages: Uint8Array,
  count: number = midstateRows.length / MIDSTATE_BYTES,
): Uint8Array {
  loaded ??= load()
  return macs(loaded.fromMidstates, midstateRows, MIDSTATE_BYTES, messages, count)
}

/** Midstates of keys of 32 bytes, in rows of 64 bytes. */
export function midstates(keys: Uint8Array): Uint8Array {
  loaded ??= load()
  const { memory, chunk, keysAt } = loaded
  const count = keys.length / KEY
  if (!Number.isInteger(count)) throw new RangeError('keys come in rows of 32 bytes')
  const out = new Uint8Array(MIDSTATE_BYTES * count)
  for (let from = 0; from < count; from += chunk) {
    const here = Math.min(chunk, count - from)
    memory.set(keys.subarray(KEY * from, KEY * (from + here)), keysAt)
    loaded.midstates(Math.ceil(here / LANES))
    out.set(memory.subarray(keysAt, keysAt + MIDSTATE_BYTES * here), MIDSTATE_BYTES * from)
  }
  return out
}

/** Overwrites what the kernel still holds of keys, messages and MACs. */
export function wipeHmac(): void {
  loaded?.wipe(loaded.chunk / LANES)
}

interface Loaded {
  readonly memory: Uint8Array
  readonly fromKeys: (...values: number[]) => void
  readonly fromMidstates: (...values: number[]) => void
  readonly midstates: (...values: number[]) => void
  readonly wipe: (groups: number) => void
  readonly keysAt: number
  readonly messagesAt: number
  readonly macsAt: number
  /** Rows that one call takes. */
  readonly chunk: number
}

let loaded: Loaded | undefined

function load(): Loaded {
  const { memory, call, constant } = loadKernel(HMAC_WASM)
  return {
    memory,
    fromKeys: call('fromKeys'),
    fromMidstates: call('fromMidstates'),
    midstates: call('midstates'),
    wipe: call('wipe'),
    keysAt: constant('keys'),
    messagesAt: constant('messages'),
    macsAt: constant('macs'),
    chunk: constant('ROWS'),
  }
}

function macs(
  kernel: (...values: number[]) => void,
  keys: Uint8Array,
  width: number,
  messages: Uint8Array,
  count: number,
): Uint8Array {
  const stride = messages.length === WIDE_MESSAGE * count ? WIDE_MESSAGE : MESSAGE
  if (keys.length !== width * count || messages.length !== stride * count) {
    throw new RangeError(`${count} messages of 12 or 16 bytes need as many rows of ${width}`)
  }
  const { memory, chunk, keysAt, messagesAt, macsAt } = loaded!
  const out = new Uint8Array(MAC_BYTES * count)
  for (let from = 0; from < count; from += chunk) {
    const here = Math.min(chunk, count - from)
    memory.set(keys.subarray(width * from, width * (from + here)), keysAt)
    memory.set(messages.subarray(stride * from, stride * (from + here)), messagesAt)
    // The last group may take in rows of an earlier call; their results go nowhere.
    kernel(Math.ceil(here / LANES), stride)
    out.set(memory.subarray(macsAt, macsAt + MAC_BYTES * here), MAC_BYTES * from)
  }
  return out
}

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
const ROW_WORDS = MIDSTATE_BYTES / 8

/** MACs of messages, in rows of 8 bytes. `keys` has rows of 32 bytes; `messages` rows of 12, or of 16 with 12 used. */
export function hmac12(keys: Uint8Array, messages: Uint8Array): Uint8Array {
  loaded ??= load()
  const { memory, keysAt, fromKeys } = loaded
  return macs(loaded, messages, keys.length / KEY, (from, here) => {
    memory.set(keys.subarray(KEY * from, KEY * (from + here)), keysAt)
    return fromKeys
  })
}

/**
 * The same from midstates: half the work. Message k is under the midstates in row `rows[k]` of the table (64 bytes a row, as
 * `midstates` makes them), so that a batch is gathered from a table of any size without a copy of its own. Throws `RangeError` where the
 * table does not begin on a multiple of 8 bytes.
 */
export function hmac12OfRows(table: Uint8Array, rows: Int32Array, messages: Uint8Array): Uint8Array {
  loaded ??= load()
  const words = new BigInt64Array(table.buffer, table.byteOffset, table.length / 8)
  const { memory, keysAt, fromMidstates } = loaded
  const held = new BigInt64Array(memory.buffer, keysAt)
  return macs(loaded, messages, rows.length, (from, here) => {
    for (let n = 0; n < here; n++) {
      const row = ROW_WORDS * rows[from + n]!
      const to = ROW_WORDS * n
      // Without a loop: half the time.
      held[to] = words[row]!
      held[to + 1] = words[row + 1]!
      held[to + 2] = words[row + 2]!
      held[to + 3] = words[row + 3]!
      held[to + 4] = words[row + 4]!
      held[to + 5] = words[row + 5]!
      held[to + 6] = words[row + 6]!
      held[to + 7] = words[row + 7]!
    }
    return fromMidstates
  })
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

/** Calls the kernel for as many messages at a time as it takes; `bring` puts their keys in place and names what to call. */
function macs(
  { memory, chunk, messagesAt, macsAt }: Loaded,
  messages: Uint8Array,
  count: number,
  bring: (from: number, count: number) => Loaded['fromKeys'],
): Uint8Array {
  const stride = messages.length === WIDE_MESSAGE * count ? WIDE_MESSAGE : MESSAGE
  if (messages.length !== stride * count) throw new RangeError(`${count} keys need as many messages of 12 or 16 bytes`)
  const out = new Uint8Array(MAC_BYTES * count)
  for (let from = 0; from < count; from += chunk) {
    const here = Math.min(chunk, count - from)
    const kernel = bring(from, here)
    memory.set(messages.subarray(stride * from, stride * (from + here)), messagesAt)
    // The last group may take in rows of an earlier call; their results go nowhere.
    kernel(Math.ceil(here / LANES), stride)
    out.set(memory.subarray(macsAt, macsAt + MAC_BYTES * here), MAC_BYTES * from)
  }
  return out
}

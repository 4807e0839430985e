// From temporary exposure keys to the keys of their identifiers, four at a time (asm/hkdf.ts).
import { HKDF_WASM } from './hkdf.generated.ts'
import { loadKernel } from './load.ts'

const KEY = 16
const LANES = 4

/** RPIK = HKDF-SHA256(TEK, no salt, "EN-RPIK", 16) of keys in rows of 16 bytes. Throws `RangeError` for half a row. */
export function identifierKeys(keys: Uint8Array): Uint8Array {
  loaded ??= load()
  const { memory, derive, keysAt, chunk } = loaded
  if (keys.length % KEY !== 0) throw new RangeError('keys come in rows of 16 bytes')
  const out = new Uint8Array(keys.length)
  for (let from = 0; from < keys.length; from += chunk) {
    const here = keys.subarray(from, from + chunk)
    memory.set(here, keysAt)
    // The last group may take in rows of an earlier call; their results go nowhere.
    derive(Math.ceil(here.length / (KEY * LANES)))
    out.set(memory.subarray(keysAt, keysAt + here.length), from)
  }
  return out
}

interface Loaded {
  readonly memory: Uint8Array
  readonly derive: (groups: number) => void
  readonly keysAt: number
  /** Bytes of keys that one call takes. */
  readonly chunk: number
}

let loaded: Loaded | undefined

function load(): Loaded {
  const { memory, call, constant } = loadKernel(HKDF_WASM)
  return { memory, derive: call('derive'), keysAt: constant('keys'), chunk: KEY * constant('ROWS') }
}

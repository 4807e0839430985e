import type { Random } from '@vicinity/protocol'
import { drawPrivateKey } from '@vicinity/protocol/crypto'
import type { KeyFiles } from './key-files.ts'

const KEY_BYTES = 32

/** Keys of the key server; each is made where there is none. */
export interface GaenKeys {
  /** Invents the keys that hide the published ones. Whoever has it tells them apart. */
  readonly paddingKey: () => Uint8Array
  /** The private key on P-256 that signs exports under a version. */
  readonly exportKey: (version: string) => Uint8Array
}

export function gaenKeys(files: KeyFiles, random: Random): GaenKeys {
  const kept = (name: string, make: () => Uint8Array): Uint8Array => {
    const key = files.read(name) ?? files.create(name, make())
    if (key.length !== KEY_BYTES) throw new Error(`the key ${name} is damaged`)
    return key
  }
  return {
    paddingKey: () => kept('padding', () => random(KEY_BYTES)),
    exportKey: (version) => kept(`export-key-${version}`, () => drawPrivateKey(random)),
  }
}

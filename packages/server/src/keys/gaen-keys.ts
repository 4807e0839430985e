import type { Random } from '@vicinity/protocol'
import type { Vault } from '../vault/vault.ts'
import type { KeyFiles } from './key-files.ts'

const KEY_BYTES = 32

/** Keys of the key server; each is made where there is none. */
export interface GaenKeys {
  /** Invents the keys that hide the published ones. Whoever has it tells them apart. */
  readonly paddingKey: () => Uint8Array
  /** The public point of the key on P-256 that signs exports under a version. */
  readonly exportPoint: (version: string) => Uint8Array
  /** Signs an export under a version: r | s. */
  readonly signExport: (version: string, bin: Uint8Array) => Uint8Array
}

export function gaenKeys(files: KeyFiles, random: Random, vault: Vault): GaenKeys {
  const kept = (name: string, make: () => Uint8Array): Uint8Array => {
    const key = files.read(name) ?? files.create(name, make())
    if (key.length !== KEY_BYTES) throw new Error(`the key ${name} is damaged`)
    return key
  }
  return {
    paddingKey: () => kept('padding', () => random(KEY_BYTES)),
    exportPoint: (version) => vault.publicPoint(`export-key-${version}`),
    signExport: (version, bin) => vault.sign(`export-key-${version}`, bin),
  }
}

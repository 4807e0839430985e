// The generation of a back-end: how often its database was restored. It lies beside the keys and in the database, so that an old copy of
// the database is known as one; and issuers' keys depend on it, so that what was issued before a restore is good no more (T-71).
import { ascii, concat, type Random, writeUint } from '@vicinity/protocol'
import { drawPrivateKey, hmacSha256 } from '@vicinity/protocol/crypto'
import type { KeyFiles } from './key-files.ts'

const NAME = /^generation-(\d+)$/

const generationsIn = (files: KeyFiles): number[] =>
  files.names().flatMap((name) => NAME.exec(name)?.slice(1).map(Number) ?? [])

/** 0 before the first restore. */
export const generationOf = (files: KeyFiles): number => Math.max(0, ...generationsIn(files))

/** Durable when it returns. What was issued in an earlier generation is refused by whoever reads these keys from now on. */
export function raiseGeneration(files: KeyFiles, to: number): void {
  const before = generationsIn(files)
  files.create(`generation-${to}`, ascii(String(to)))
  for (const earlier of before.filter((generation) => generation < to)) files.remove(`generation-${earlier}`)
}

function derived(key: Uint8Array, generation: number, counter: number): Uint8Array {
  const numbers = new Uint8Array(8)
  writeUint(numbers, 0, 4, generation)
  writeUint(numbers, 4, 4, counter)
  return hmacSha256(key, concat(ascii('generation'), numbers))
}

/** The key of 32 bytes that stands for another in a generation; in the first one itself. */
export const keyInGeneration = (key: Uint8Array, generation: number): Uint8Array =>
  generation === 0 ? key : derived(key, generation, 0)

/** The same for a private key on P-256. */
export function privateKeyInGeneration(key: Uint8Array, generation: number): Uint8Array {
  if (generation === 0) return key
  let counter = 0
  const random: Random = () => derived(key, generation, ++counter)
  return drawPrivateKey(random)
}

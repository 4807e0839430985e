// The keys of a vault in one file, sealed by a passphrase.
import { randomUUID, scryptSync } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ascii, type Random } from '@vicinity/protocol'
import { gcmSeal } from '@vicinity/protocol/crypto'
import type { KeyFiles } from '../keys/key-files.ts'
import { openSealed } from '../keys/sealed.ts'
import { VaultError } from './vault.ts'

/** scrypt (RFC 7914) with 128 MiB: about half a second a guess. */
const COST = { cost: 2 ** 17, blockSize: 8, parallelization: 1 }
/** What a file may ask for: a forged one shall not exhaust the memory, nor be weak. */
const LEAST_COST = 2 ** 14
const MOST_COST = 2 ** 20
const SALT = 16
const IV = 12

interface SealedFile {
  readonly vault: 1
  readonly cost: number
  readonly salt: string
  readonly sealed: string
}

/** A vault file that does not exist yet, with nothing in it. Throws `refused` where there is one. */
export function makeSealedFile(path: string, passphrase: string, random: Random, cost: number = COST.cost): void {
  if (existsSync(path)) throw new VaultError('refused', `${path} is there already`)
  if (passphrase.length < 12) throw new VaultError('refused', 'a passphrase has 12 characters or more')
  const salt = random(SALT)
  writeKeys(path, { cost, salt, key: stretch(passphrase, salt, cost) }, new Map(), random)
}

interface KeptKey {
  readonly key: Uint8Array
  /** Unix seconds. */
  readonly made: number
}

interface Opener {
  readonly cost: number
  readonly salt: Uint8Array
  readonly key: Uint8Array
}

/** Named secrets in one sealed file. Throws `absent` without the file, `locked` for a wrong passphrase. */
export function sealedFileKeys(
  path: string,
  passphrase: string,
  random: Random,
  now: () => number,
): KeyFiles & { close: () => void } {
  const { cost, salt } = readFile(path)
  const opener = { cost, salt, key: stretch(passphrase, salt, cost) }
  let keys = readKeys(path, opener)
  return {
    read(name) {
      if (!keys.has(name)) keys = readKeys(path, opener)
      return keys.get(name)?.key
    },
    madeAt: (name) => keys.get(name)?.made,
    create(name, bytes) {
      // Another process may have written since: what it made must not be lost.
      keys = readKeys(path, opener)
      const kept = keys.get(name)
      if (kept !== undefined) return kept.key
      keys.set(name, { key: Uint8Array.from(bytes), made: now() })
      writeKeys(path, opener, keys, random)
      return bytes
    },
    replace(name, bytes) {
      keys = readKeys(path, opener)
      keys.set(name, { key: Uint8Array.from(bytes), made: keys.get(name)?.made ?? now() })
      writeKeys(path, opener, keys, random)
    },
    remove(name) {
      keys = readKeys(path, opener)
      if (keys.delete(name)) writeKeys(path, opener, keys, random)
    },
    names() {
      // A ceremony may have made or destroyed some since.
      keys = readKeys(path, opener)
      return [...keys.keys()]
    },
    close() {
      opener.key.fill(0)
      for (const { key } of keys.values()) key.fill(0)
      keys.clear()
    },
  }
}

const stretch = (passphrase: string, salt: Uint8Array, cost: number): Uint8Array =>
  scryptSync(passphrase.normalize('NFC'), salt, 32, { ...COST, cost, maxmem: 256 * COST.blockSize * cost })

/** Bound to what is sealed: the parameters that it was sealed with. */
const placeOf = ({ cost, salt }: Opener): Uint8Array => ascii(`vicinity vault 1 ${cost} ${base64(salt)}`)
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'))

function readFile(path: string): { cost: number; salt: Uint8Array; sealed: Uint8Array } {
  if (!existsSync(path)) throw new VaultError('absent', `there is no vault ${path}: vicinity keys init makes one`)
  try {
    const { vault, cost, salt, sealed } = JSON.parse(readFileSync(path, 'utf8')) as SealedFile
    const read = { cost, salt: bytesOf(salt), sealed: bytesOf(sealed) }
    const known = vault === 1 && Number.isInteger(Math.log2(cost)) && cost >= LEAST_COST && cost <= MOST_COST
    if (known && read.salt.length === SALT) return read
  } catch {
    // No JSON is told as any other damage.
  }
  throw new VaultError('damaged', `${path} is no vault`)
}

function readKeys(path: string, opener: Opener): Map<string, KeptKey> {
  const opened = openSealed(opener.key, placeOf(opener), readFile(path).sealed)
  if (opened === undefined) throw new VaultError('locked', `${path} does not open: a wrong passphrase, or damaged`)
  const entries = JSON.parse(Buffer.from(opened).toString('utf8')) as Readonly<
    Record<string, { readonly key: string; readonly made: number }>
  >
  opened.fill(0)
  return new Map(Object.entries(entries).map(([name, { key, made }]) => [name, { key: bytesOf(key), made }]))
}

/** Written whole beside it, then renamed: a crash leaves the old file or the new one. */
function writeKeys(path: string, opener: Opener, keys: ReadonlyMap<string, KeptKey>, random: Random): void {
  const entries = Object.fromEntries([...keys].map(([name, { key, made }]) => [name, { key: base64(key), made }]))
  const plaintext = Buffer.from(JSON.stringify(entries))
  const iv = random(IV)
  const sealed = base64(Buffer.concat([iv, gcmSeal(opener.key, iv, plaintext, placeOf(opener))]))
  plaintext.fill(0)
  const text: SealedFile = { vault: 1, cost: opener.cost, salt: base64(opener.salt), sealed }
  const unfinished = `${path}.${randomUUID()}.new`
  const handle = openSync(unfinished, 'w', 0o600)
  // Writes all of it or throws, on a full disk too: a cut file must not take the place of the whole one.
  writeFileSync(handle, `${JSON.stringify(text)}\n`)
  fsyncSync(handle)
  closeSync(handle)
  renameSync(unfinished, path)
  const directory = openSync(dirname(path), 'r')
  fsyncSync(directory)
  closeSync(directory)
}

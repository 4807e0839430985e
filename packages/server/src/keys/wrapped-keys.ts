import { ascii } from '@vicinity/protocol'
import { type Vault, VaultError } from '../vault/vault.ts'
import { directoryKeys, type KeyFiles } from './key-files.ts'

const KEY_ENCRYPTION = /^key-encryption(?:-(\d+))?$/

/** A key of the vault that wraps key files: the first version has no number. */
export const nameOfKeyEncryption = (version: number): string =>
  version === 1 ? 'key-encryption' : `key-encryption-${version}`

/** The newest version of the keys that wrap key files; 0 where the vault has none. */
export const newestKeyEncryption = (vault: Vault): number =>
  Math.max(
    0,
    ...vault.names().flatMap((name) => (KEY_ENCRYPTION.test(name) ? Number(KEY_ENCRYPTION.exec(name)?.[1] ?? 1) : [])),
  )

/** What a wrapped key file begins with: no key of ours is long enough to be taken for one. */
const MARK = ascii('vicinity wrapped 1\n')

const isWrapped = (bytes: Uint8Array): boolean =>
  bytes.length > MARK.length && MARK.every((byte, at) => bytes[at] === byte)

/** Version of the key that a file is wrapped under, in the byte after the mark. */
export const versionOf = (wrapped: Uint8Array): number => wrapped[MARK.length] ?? 0

const placeOf = (name: string): Uint8Array => ascii(`key-file ${name}`)

/** Names of files that hold their keys as they are. */
export const plainNames = (files: KeyFiles): readonly string[] =>
  files.names().filter((name) => {
    const bytes = files.read(name)
    return bytes !== undefined && !isWrapped(bytes)
  })

/** Key files whose bytes are wrapped by a vault, each bound to its name: on their own the files open nothing. */
export function wrappedKeys(files: KeyFiles, vault: Vault): KeyFiles {
  const wrap = (name: string, bytes: Uint8Array): Uint8Array => {
    const version = newestKeyEncryption(vault)
    if (version === 0)
      throw new VaultError('absent', 'the vault has no key that wraps others: vicinity keys init makes it')
    return Buffer.concat([MARK, Uint8Array.of(version), vault.wrap(nameOfKeyEncryption(version), placeOf(name), bytes)])
  }
  const unwrap = (name: string, wrapped: Uint8Array): Uint8Array => {
    if (!isWrapped(wrapped))
      throw new VaultError('refused', `the key ${name} lies in the open: vicinity keys init --adopt wraps it`)
    return vault.unwrap(nameOfKeyEncryption(versionOf(wrapped)), placeOf(name), wrapped.subarray(MARK.length + 1))
  }
  return {
    ...files,
    read(name) {
      const wrapped = files.read(name)
      return wrapped === undefined ? undefined : unwrap(name, wrapped)
    },
    create: (name, bytes) => unwrap(name, files.create(name, wrap(name, bytes))),
    replace: (name, bytes) => files.replace(name, wrap(name, bytes)),
  }
}

/** The keys of a directory, wrapped where there is a vault. Throws `refused` for keys that lie in the open, or wrapped without a vault. */
export function openKeys(directory: string, vault: Vault | undefined): KeyFiles {
  const files = directoryKeys(directory)
  const plain = plainNames(files)
  if (vault === undefined) {
    if (plain.length === files.names().length) return files
    throw new VaultError('refused', `the keys of ${directory} are wrapped: say with which vault`)
  }
  if (plain.length === 0) return wrappedKeys(files, vault)
  throw new VaultError('refused', `keys of ${directory} lie in the open: vicinity keys init --adopt wraps them`)
}

import type { Random } from '@vicinity/protocol'
import { drawPrivateKey, ecdsaSign, gcmSeal, publicPoint, sharedSecret } from '@vicinity/protocol/crypto'
import { isPublicPoint, SIZE } from '@vicinity/protocol/robert'
import type { Signer } from '../audit/head.ts'
import type { KeyFiles } from '../keys/key-files.ts'
import { openSealed } from '../keys/sealed.ts'
import { type Vault, VaultError } from './vault.ts'

/** A vault whose keys are bytes in the memory of this process, kept in `files`. */
export const softwareVault = (files: KeyFiles, random: Random): Vault => vaultOver(files, random, () => undefined)

/** The vault of laptops, tests and the lab: its keys lie in `files` as they are, and each is made when it is first asked for. */
export const plainVault = (files: KeyFiles, random: Random): Vault =>
  vaultOver(files, random, (name) => files.create(name, drawPrivateKey(random)))

/** Who signs the heads of the audit log. */
export const auditSigner = (vault: Vault): Signer => ({
  point: vault.publicPoint('audit'),
  sign: (message) => vault.sign('audit', message),
})

function vaultOver(files: KeyFiles, random: Random, missing: (name: string) => Uint8Array | undefined): Vault {
  const held = new Map<string, Uint8Array>()
  let open = true
  const check = () => {
    if (!open) throw new VaultError('locked', 'the vault was closed')
  }
  const key = (name: string): Uint8Array => {
    check()
    const bytes = held.get(name) ?? files.read(name) ?? missing(name)
    if (bytes === undefined) throw new VaultError('absent', `the vault has no key ${name}`)
    // HMAC and AES take what they are given: a file that lost its bytes would pass for a key that everybody knows.
    if (bytes.length !== SIZE.key) throw new VaultError('damaged', `the key ${name} is damaged`)
    if (!held.has(name)) held.set(name, Uint8Array.from(bytes))
    return held.get(name)!
  }
  const free = (name: string) => {
    check()
    if (files.read(name) !== undefined) throw new VaultError('refused', `the vault has a key ${name} already`)
  }
  return {
    make(name, kind) {
      free(name)
      files.create(name, kind === 'wrapping' ? random(SIZE.key) : drawPrivateKey(random))
    },
    adopt(name, _kind, secret) {
      free(name)
      if (secret.length !== SIZE.key) throw new VaultError('refused', `the key ${name} is damaged`)
      files.create(name, secret)
    },
    names() {
      check()
      return files.names()
    },
    madeAt: files.madeAt,
    publicPoint: (name) => publicPoint(key(name)),
    agree(name, point) {
      const bytes = key(name)
      return isPublicPoint(point) ? sharedSecret(bytes, point) : undefined
    },
    sign: (name, message) => ecdsaSign(key(name), message),
    wrap(name, place, bytes) {
      const iv = random(SIZE.iv)
      return Buffer.concat([iv, gcmSeal(key(name), iv, bytes, place)])
    },
    unwrap(name, place, wrapped) {
      const bytes = openSealed(key(name), place, wrapped)
      if (bytes === undefined) throw new VaultError('damaged', `what was wrapped under ${name} does not open`)
      return bytes
    },
    destroy(name) {
      check()
      files.remove(name)
      held.get(name)?.fill(0)
      held.delete(name)
    },
    close() {
      for (const bytes of held.values()) bytes.fill(0)
      held.clear()
      open = false
    },
  }
}

import type { Random } from '@vicinity/protocol'
import { tokenVault } from './pkcs11.ts'
import { sealedFileKeys } from './sealed-file.ts'
import { softwareVault } from './software.ts'
import { type Vault, VaultError } from './vault.ts'

/** Where a vault lies. */
export type VaultPlace =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'pkcs11'; readonly module: string; readonly token: string }

/** `file:PATH`, or a token as RFC 7512 names it: `pkcs11:token=LABEL?module-path=LIBRARY`. Throws `refused` for anything else. */
export function placeOfVault(url: string): VaultPlace {
  const file = /^file:(.+)$/.exec(url)?.[1]
  if (file !== undefined) return { kind: 'file', path: file }
  const [, path, query] = /^pkcs11:([^?]*)(?:\?(.*))?$/.exec(url) ?? []
  if (path === undefined)
    throw new VaultError('refused', 'a vault is file:PATH or pkcs11:token=LABEL?module-path=LIBRARY')
  const named = new Map([...attributesOf(path, ';'), ...attributesOf(query ?? '', '&')])
  // Arguments are seen by every user of the machine.
  if (named.has('pin-value')) throw new VaultError('refused', 'no PIN in the address of a vault: VICINITY_PIN holds it')
  const [token, module] = [named.get('token'), named.get('module-path')]
  if (token === undefined || module === undefined || named.size !== 2)
    throw new VaultError(
      'refused',
      'the address of a token has its label and its library, and nothing else: pkcs11:token=LABEL?module-path=LIBRARY',
    )
  return { kind: 'pkcs11', module, token }
}

const attributesOf = (text: string, separator: string): [string, string][] =>
  text
    .split(separator)
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=')
      return at < 0 ? [part, ''] : [part.slice(0, at), decodeURIComponent(part.slice(at + 1))]
    })

export interface OpenVaultInput {
  /** Passphrase of a file, PIN of a token. */
  readonly secret: string
  readonly random: Random
  /** Unix seconds. */
  readonly now: () => number
}

/** Opens a vault that is there; asks it for its keys once, so that a wrong secret is told now. Throws `VaultError`. */
export function openVault(place: VaultPlace, { secret, random, now }: OpenVaultInput): Vault {
  const vault =
    place.kind === 'file'
      ? softwareVault(sealedFileKeys(place.path, secret, random, now), random)
      : tokenVault(place, secret, random, now)
  vault.names()
  return vault
}

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { openVault, placeOfVault, type Vault, type VaultPlace, wallClock } from '@vicinity/server'
import { UsageError } from './usage.ts'

export const VAULT_TEXT = 'vault of the keys: file:PATH, or pkcs11:token=LABEL?module-path=LIBRARY'

/** Secrets come from the environment, or from a file that it names: arguments are seen by every user of the machine. */
export const VAULT_ENVIRONMENT = `
  VICINITY_PASSPHRASE        opens a vault in a file; VICINITY_PASSPHRASE_FILE names a file that holds it
  VICINITY_PIN               opens a vault in a token; VICINITY_PIN_FILE names a file that holds it`

/** The passphrase or PIN of a vault, without the end of its line. */
export function secretOf({ kind }: VaultPlace): string {
  const name = kind === 'file' ? 'VICINITY_PASSPHRASE' : 'VICINITY_PIN'
  const path = process.env[`${name}_FILE`]
  const secret =
    process.env[name] ?? (path === undefined ? undefined : readFileSync(path, 'utf8').replace(/\r?\n$/, ''))
  if (secret === undefined || secret === '') throw new UsageError(`${name} or ${name}_FILE must open the vault`)
  return secret
}

/** The vault of an address; undefined without one. */
export function vaultOf(url: string | undefined): Vault | undefined {
  if (url === undefined) return undefined
  const place = placeOfVault(url)
  return openVault(place, { secret: secretOf(place), random: randomBytes, now: wallClock })
}

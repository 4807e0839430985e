import { type AuditFiles, memoryAppendable, openAudit } from '../src/audit/log.ts'
import { ceremonyNames } from '../src/keys/catalogue.ts'
import { auditKeyInVault, type CeremonyWorld } from '../src/keys/ceremony.ts'
import { type KeyFiles, memoryKeys } from '../src/keys/key-files.ts'
import type { CeremonyPlan } from '../src/keys/plan.ts'
import { auditSigner, softwareVault } from '../src/vault/software.ts'
import type { Vault } from '../src/vault/vault.ts'
import { NOON, randomOf } from './fixture.ts'

export const planOf = (chosen: Partial<CeremonyPlan> = {}): CeremonyPlan => ({
  service: 'a service of tests',
  vault: 'file:vault',
  keys: 'keys',
  audit: 'ceremony.log',
  bundleDays: 4,
  exportVersions: ['v1'],
  make: ceremonyNames(['v1']),
  shares: { needed: 2, holders: ['first', 'second', 'third'] },
  ...chosen,
})

export interface CeremonyOptions {
  readonly vault?: Vault
  readonly files?: KeyFiles
  readonly logFiles?: AuditFiles
  readonly at?: typeof NOON
}

/** The world of a ceremony, in memory unless said otherwise. */
export function ceremonyWorld(options: CeremonyOptions = {}): CeremonyWorld & { readonly logFiles: AuditFiles } {
  const random = randomOf('ceremony')
  const { vault = softwareVault(memoryKeys(), random), files = memoryKeys(), at = NOON } = options
  const logFiles = options.logFiles ?? { log: memoryAppendable(), heads: memoryAppendable() }
  auditKeyInVault(vault, files)
  const audit = openAudit({ files: logFiles, signer: auditSigner(vault), now: () => at, parameters: 'a plan' })
  return { vault, files, audit, random, at, logFiles }
}

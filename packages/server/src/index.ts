export type { Entry as AuditEntry } from './audit/entry.ts'
export { auditFiles, headsPath } from './audit/file-log.ts'
export type { Head as AuditHead } from './audit/head.ts'
export { type AuditLog, memoryAppendable, NO_AUDIT, openAudit } from './audit/log.ts'
export { consistencyProof, inclusionProof, isConsistent, isIncluded, leafHash, rootOf } from './audit/tree.ts'
export { type Fault as AuditFault, type Verdict as AuditVerdict, verifyLog } from './audit/verify.ts'
export { adopt, backUp, type Restored, restore, type Summary as BackupSummary, verifyBackup } from './backup/backup.ts'
export { placeOfStore } from './backup/places.ts'
export { BadBackup } from './backup/sealed-file.ts'
export { oneByOne } from './collector.ts'
export { callDeployed, type DeployedRequest } from './deployed-dispatch.ts'
export { DEFAULT_SETTINGS, type Deps, makeDeps, type Settings, settingsFor } from './deps.ts'
export { dispatch, statusOf } from './dispatch.ts'
export { directoryFiles, type ExportFiles, memoryFiles } from './export-files.ts'
export { exportVerificationKeys } from './flows/key-server/export.ts'
export { DEFAULT_GAEN_SETTINGS, type GaenSettings, type ImportPeer } from './gaen-settings.ts'
export { makeHttp, type Page, type Pages } from './http.ts'
export { type Job, jobsOf, ROLES, type Role } from './jobs.ts'
export { backupKey } from './keys/backup-key.ts'
export { escrowNames, rowOf } from './keys/catalogue.ts'
export {
  auditKeyInVault,
  type CeremonyWorld,
  destroyKey,
  digestOfPlan,
  filesUnder,
  type KeyState,
  makeKeys,
  missingKeys,
  ROTATIONS,
  rotateKey,
  statusOfKeys,
} from './keys/ceremony.ts'
export { directoryKeys, type KeyFiles, memoryKeys } from './keys/key-files.ts'
export { type CeremonyPlan, readPlan } from './keys/plan.ts'
export { keyFromShares, sharesOfKey } from './keys/share-files.ts'
export { openKeys } from './keys/wrapped-keys.ts'
export { listen } from './listen.ts'
export { type Log, lineLog, NO_LOG } from './log.ts'
export { type Running, type ServeOptions, serve, wallClock } from './main.ts'
export { runJobs } from './run-jobs.ts'
export { prepareCitus } from './store/citus.ts'
export { BadStore } from './store/failures.ts'
export { openStore } from './store/open.ts'
export { hasStandby } from './store/postgres-state.ts'
export { storeState } from './store/state.ts'
export type { Store, StoreOptions, Transaction } from './store/store.ts'
export { readTls } from './tls.ts'
export { backupDays, openTombstones, type Tombstones, tombstoneKey } from './tombstones.ts'
export { openVault, placeOfVault, type VaultPlace } from './vault/open.ts'
export { makeSealedFile } from './vault/sealed-file.ts'
export { auditSigner, plainVault, softwareVault } from './vault/software.ts'
export { type Vault, VaultError } from './vault/vault.ts'

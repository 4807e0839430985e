export * from './advertisement.ts'
export { packArchive } from './archive.ts'
export { ARCHIVE_LIMITS, type ArchiveLimits, type Source, sourceOf } from './archive-reader.ts'
export { fromBase64, toBase64 } from './base64.ts'
export * from './certificate.ts'
export * from './constants.ts'
export * from './cwa.ts'
export * from './daily-summary.ts'
export * from './diagnosis-key.ts'
export * from './export-archive.ts'
export * from './export-file.ts'
export { ExportReader, type KeyList, readExport, type TakeKeys } from './export-reader.ts'
export * from './export-signature.ts'
export {
  attenuationOf,
  type ExposureWindow,
  exposureWindows,
  type MatchedKey,
  PHONE_SCANNING,
  RECORD_SCANNING,
  type Reception,
  recordSighting,
  type ScanInstance,
  type Scanning,
  type Sighting,
  sightingOf,
} from './exposure-window.ts'
export * from './index-file.ts'
export * from './infectiousness.ts'
export * from './interval.ts'
export { isEs256, isSignedBy, type Jwt, LONGEST_JWT, parseJwt, signJwt, type VerifyingKey } from './jwt.ts'
export * from './key-schedule.ts'
export * from './matching.ts'
export * from './metadata.ts'
export * from './padding-analysis.ts'
export type { KeyText, NamedExport } from './padding-exports.ts'
export * from './publish.ts'
export * from './publish-request.ts'
export * from './publish-revision.ts'
export * from './revision-token.ts'
export * from './risk.ts'
export * from './scoring-v1.ts'
export * from './tekmac.ts'

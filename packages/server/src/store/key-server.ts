import type { UnixSeconds } from '@vicinity/protocol'
import type { DiagnosisKey, KnownKey, Revision } from '@vicinity/protocol/gaen'

/** Where a key was published: the name of another server, or this. */
export const HERE = ''

export interface StoredKey extends KnownKey {
  /** When it counts as arrived, in full hours; may lie ahead. */
  readonly release: UnixSeconds
  readonly source: string
  /** When it counts as revised, in full hours; undefined for a key that was not. */
  readonly revisedAt: UnixSeconds | undefined
}

export type NewKey = Omit<StoredKey, 'revision' | 'revisedAt'>

export interface KeyRevision {
  readonly keyData: Uint8Array
  readonly revision: Revision
  readonly revisedAt: UnixSeconds
  /** Only a key that came from there is revised. */
  readonly source: string
}

/** Keys of no length stand for none: statements with them run and find and change nothing, so that every publish runs the same ones. */
export const NO_KEY: DiagnosisKey = {
  keyData: new Uint8Array(0),
  rollingStart: 0 as DiagnosisKey['rollingStart'],
  rollingPeriod: 0,
  transmissionRisk: 0,
  reportType: 0,
  daysSinceOnset: undefined,
}

/** In place of a count of files: the window was begun and nothing of it is listed yet. */
export const NOT_LISTED = -1

/** An export of the keys that arrived from `starts` to before `ends`. */
export interface ExportWindow {
  readonly starts: UnixSeconds
  readonly ends: UnixSeconds
  /** How many keys were invented for it. */
  readonly invented: number
  /** Versions of the signing keys, so that making it again gives the same bytes. */
  readonly signers: readonly string[]
  /** How many files of it the index lists, none where nothing was published; `NOT_LISTED` while it is being made. */
  readonly listed: number
}

/** The verbs of the key server: diagnosis keys, exports, imports (GAEN). */
export interface KeyServerVerbs {
  /** For each, what the store has; undefined where it has none. */
  readonly diagnosisKeysOf: (keys: readonly Uint8Array[]) => Promise<readonly (StoredKey | undefined)[]>
  /** Keys that are there stay as they are. How many were added. */
  readonly addDiagnosisKeys: (keys: readonly NewKey[]) => Promise<number>
  /** Each takes effect once in the life of a key. How many did. */
  readonly reviseDiagnosisKeys: (revisions: readonly KeyRevision[]) => Promise<number>
  /** Ascending by the bytes of the keys. */
  readonly keysReleased: (from: UnixSeconds, before: UnixSeconds) => Promise<readonly StoredKey[]>
  /** Ascending by the bytes of the keys. */
  readonly keysRevised: (from: UnixSeconds, before: UnixSeconds) => Promise<readonly StoredKey[]>
  /** Of the key that arrived first. */
  readonly oldestRelease: () => Promise<UnixSeconds | undefined>
  readonly forgetDiagnosisKeys: (releasedBefore: UnixSeconds) => Promise<void>

  /** Ascending by time. */
  readonly exportWindows: () => Promise<readonly ExportWindow[]>
  /** False when there is one with that start: another process makes it. */
  readonly addExportWindow: (window: ExportWindow) => Promise<boolean>
  readonly listExportWindow: (starts: UnixSeconds, files: number) => Promise<void>
  readonly removeExportWindow: (starts: UnixSeconds) => Promise<void>

  /** Paths of a peer that were read. */
  readonly importedFiles: (peer: string) => Promise<ReadonlySet<string>>
  /** Notes that a path was read, or is still listed. */
  readonly noteImported: (peer: string, path: string, at: UnixSeconds) => Promise<void>
  readonly forgetImported: (notedBefore: UnixSeconds) => Promise<void>
}

// Exports: what arrived in a window, in signed files that every phone downloads. Files first, then the index, then the store: whoever reads
// while this runs, or after it died, finds an index whose files are all there.
import { DAY_SECONDS, toHex, type UnixSeconds } from '@vicinity/protocol'
import { equalBytes, sha256 } from '@vicinity/protocol/crypto'
import {
  columnsOf,
  type DiagnosisKey,
  ECDSA_WITH_SHA256,
  EXPORT_DAYS,
  packArchive,
  packExport,
  packIndex,
  packSignatures,
  type VerificationKey,
} from '@vicinity/protocol/gaen'
import type { Deps } from '../../deps.ts'
import type { ExportFiles } from '../../export-files.ts'
import { type ExportWindow, NOT_LISTED, type StoredKey } from '../../store/key-server.ts'
import { openWindow } from './export-window.ts'

export const INDEX = 'index.txt'
/** A file is there for so long after the index stopped listing it: an older index may still be on its way. */
const GRACE_SECONDS = DAY_SECONDS

/** Makes every export that is due, brings the index up to date and removes what is too old. A back-end without files only forgets. */
export async function exportKeys(deps: Deps, at: UnixSeconds): Promise<void> {
  const files = deps.exportFiles
  if (files === undefined) {
    await deps.store.transaction((tx) => tx.forgetDiagnosisKeys((firstListed(at) - GRACE_SECONDS) as UnixSeconds))
    return
  }
  while (!deps.stopping.aborted) {
    const window = await openWindow(deps, at)
    if (window === undefined) break
    const listed = await writeWindow(deps, files, window)
    await writeIndex(deps, files, at, { ...window, listed })
    await deps.store.transaction((tx) => tx.listExportWindow(window.starts, listed))
    deps.count('export.windows')
  }
  await writeIndex(deps, files, at)
  await removeOld(deps, files, at)
}

/** Public keys of the exports, for phones and for the servers that import them. */
export function exportVerificationKeys(deps: Deps): readonly VerificationKey[] {
  const { keyId, signers } = deps.settings.gaen.keyServer.exports
  return signers.map(({ version }) => ({
    keyId,
    keyVersion: version,
    point: deps.gaenKeys.exportPoint(version),
  }))
}

/** Paths of the files of a window. Phones tell files apart by the times inside: of several each ends a second later. */
const endOf = ({ ends }: ExportWindow, file: number): UnixSeconds => (ends + file) as UnixSeconds
const pathOf = (window: ExportWindow, file: number): string =>
  `${window.starts}-${endOf(window, file)}-${String(file + 1).padStart(5, '0')}.zip`
const pathsOf = (window: ExportWindow): string[] =>
  Array.from({ length: window.listed }, (_, file) => pathOf(window, file))

/** Writes the files of a window; how many. One that is there stays: a name never gets other bytes. */
async function writeWindow(deps: Deps, files: ExportFiles, window: ExportWindow): Promise<number> {
  const { keys, revisedKeys } = await keysOf(deps, window)
  const { mostKeys } = deps.settings.gaen.keyServer.exports
  const count = Math.ceil((keys.length + revisedKeys.length) / mostKeys)
  for (let file = 0; file < count; file++) {
    const path = pathOf(window, file)
    if ((await files.read(path)) !== undefined) continue
    const [from, before] = [file * mostKeys, (file + 1) * mostKeys]
    const revised = revisedKeys.slice(Math.max(from - keys.length, 0), Math.max(before - keys.length, 0))
    const archive = archiveOf(deps, window, file, keys.slice(from, before), revised)
    deps.audit.append('export.signed', { starts: window.starts, file, digest: toHex(sha256(archive)) })
    await files.write(path, archive)
  }
  return count
}

/** Of keys that were revised, those that an export had before or has now: nobody else knows them. */
async function keysOf(deps: Deps, { starts, ends }: ExportWindow) {
  const revisedForm = ({ key, revision }: StoredKey): DiagnosisKey => ({ ...key, ...revision! })
  return deps.store.transaction(async (tx) => {
    const [first] = await tx.exportWindows()
    const revised = (await tx.keysRevised(starts, ends)).filter(({ release }) => release >= first!.starts)
    return {
      keys: (await tx.keysReleased(starts, ends)).map(({ key }) => key),
      revisedKeys: revised.map(revisedForm),
    }
  })
}

function archiveOf(
  deps: Deps,
  window: ExportWindow,
  file: number,
  keys: readonly DiagnosisKey[],
  revisedKeys: readonly DiagnosisKey[],
): Uint8Array {
  const { region, exports } = deps.settings.gaen.keyServer
  const header = {
    startTimestamp: window.starts,
    endTimestamp: endOf(window, file),
    region: region ?? '',
    batchNumber: 1,
    batchSize: 1,
    signatureInfos: window.signers.map((version) => ({
      verificationKeyVersion: version,
      verificationKeyId: exports.keyId,
      signatureAlgorithm: ECDSA_WITH_SHA256,
    })),
  }
  const bin = packExport(header, columnsOf(keys), columnsOf(revisedKeys))
  const signatures = window.signers.map((version) => deps.gaenKeys.signExport(version, bin))
  return packArchive(bin, packSignatures(header, signatures))
}

const firstListed = (at: UnixSeconds): number => at - EXPORT_DAYS * DAY_SECONDS

/** Lists the files of every window that phones may need, and those of `made`, which the store does not list yet. */
async function writeIndex(deps: Deps, files: ExportFiles, at: UnixSeconds, made?: ExportWindow): Promise<void> {
  const windows = await deps.store.transaction((tx) => tx.exportWindows())
  const listed = [...windows.filter(({ starts }) => starts !== made?.starts), ...(made === undefined ? [] : [made])]
  const index = packIndex(listed.filter(({ ends }) => ends > firstListed(at)).flatMap(pathsOf))
  const before = await files.read(INDEX)
  if (before === undefined || !equalBytes(before, index)) await files.write(INDEX, index)
}

async function removeOld(deps: Deps, files: ExportFiles, at: UnixSeconds): Promise<void> {
  // After a long rest there may be keys that no window will ever take.
  const { window: length } = deps.settings.gaen.keyServer.exports
  const oldest = (firstListed(at) - GRACE_SECONDS - length) as UnixSeconds
  await deps.store.transaction((tx) => tx.forgetDiagnosisKeys(oldest))
  const windows = await deps.store.transaction((tx) => tx.exportWindows())
  for (const window of windows) {
    if (window.ends > firstListed(at) - GRACE_SECONDS || window.listed === NOT_LISTED) continue
    for (const path of pathsOf(window)) await files.remove(path)
    await deps.store.transaction(async (tx) => {
      await tx.removeExportWindow(window.starts)
      await tx.forgetDiagnosisKeys(window.ends)
    })
  }
}

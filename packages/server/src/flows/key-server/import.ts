// Exports of other servers: each file of a peer's index is read once, and its keys go into our own exports. A key is kept once, wherever it
// came from, so two servers that read each other hand no key back and forth.
import { DAY_SECONDS, Malformed, toHex, type UnixSeconds } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import {
  ARCHIVE_LIMITS,
  type DiagnosisKey,
  type DiagnosisKeys,
  INDEX_BOUNDS,
  INTERVAL_SECONDS,
  intervalAt,
  keyAt,
  openArchive,
  PUBLISH,
  parseIndex,
  REPORT_TYPE,
  releaseOf,
  transitionsFrom,
} from '@vicinity/protocol/gaen'
import type { Deps } from '../../deps.ts'
import type { ImportPeer } from '../../gaen-settings.ts'
import type { KeyRevision, NewKey } from '../../store/key-server.ts'

/** Files of one peer in one run: those that are left have their turn in the next. */
const MOST_FILES = 50
/** A path that no index lists any more is forgotten. */
const REMEMBERED_SECONDS = 30 * DAY_SECONDS
const HOUR = 3600
/** Keys of one transaction, so that publishes need not wait for a whole file. */
const BLOCK = 2000

/** Reads what the peers have exported since. A peer that cannot be read is counted, and holds up no other. */
export async function importKeys(deps: Deps, at: UnixSeconds): Promise<void> {
  const { peers } = deps.settings.gaen.keyServer
  for (const peer of peers) {
    if (deps.stopping.aborted) return
    await importFrom(deps, peer, at).catch(() => deps.count('import.peerFailed'))
  }
  await deps.store.transaction((tx) => tx.forgetImported((at - REMEMBERED_SECONDS) as UnixSeconds))
}

async function importFrom(deps: Deps, peer: ImportPeer, at: UnixSeconds): Promise<void> {
  const index = await deps.download(peer.index, INDEX_BOUNDS.bytes)
  if (index === undefined) throw new Error('a peer has no index')
  const paths = parseIndex(index)
  const before = await deps.store.transaction((tx) => tx.importedFiles(peer.name))
  await deps.store.transaction(async (tx) => {
    for (const path of paths) if (before.has(path)) await tx.noteImported(peer.name, path, at)
  })
  for (const path of paths.filter((each) => !before.has(each)).slice(0, MOST_FILES)) {
    await importFile(deps, peer, path, at)
  }
}

async function importFile(deps: Deps, peer: ImportPeer, path: string, at: UnixSeconds): Promise<void> {
  const archive = await deps.download(new URL(path, peer.index).href, ARCHIVE_LIMITS.archive)
  // An index may be older than the files: what is gone leaves the next one.
  if (archive === undefined) return deps.count('import.fileGone')
  const opened = openOrCount(deps, peer, archive)
  if (opened === undefined) return
  deps.audit.append('import.read', { peer: nameInLog(peer), digest: toHex(sha256(archive)) })
  await addKeys(deps, peer, listOf(opened.keys), at)
  await reviseKeys(deps, peer, listOf(opened.revisedKeys), at)
  await deps.store.transaction((tx) => tx.noteImported(peer.name, path, at))
  deps.count('import.files')
}

/** A file that cannot be trusted is looked at again with the next run: a missing key may have been added to the settings by then. */
function openOrCount(deps: Deps, peer: ImportPeer, archive: Uint8Array) {
  try {
    const opened = openArchive(archive, peer.keys)
    if (opened.ok) return opened.value
    deps.count(`import.${opened.reason}`)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    deps.count('import.malformed')
  }
  return undefined
}

/** The log takes short names in ASCII; a peer may be called anything. */
const nameInLog = ({ name }: ImportPeer): string => encodeURIComponent(name).slice(0, 200)

const listOf = (keys: DiagnosisKeys): DiagnosisKey[] =>
  Array.from({ length: keys.count }, (_, k) => {
    const key = keyAt(keys, k)
    return { ...key, keyData: Uint8Array.from(key.keyData) }
  })

async function addKeys(deps: Deps, peer: ImportPeer, keys: readonly DiagnosisKey[], at: UnixSeconds): Promise<void> {
  const added = keys
    .map((key) => withDefaults(key, peer))
    .filter((key) => isTimely(key, at) && key.reportType !== REPORT_TYPE.revoked)
    .map((key): NewKey => ({ key, release: releaseAt(key, at), source: peer.name }))
  for (const block of blocksOf(added)) {
    deps.count('import.keys', await deps.store.transaction((tx) => tx.addDiagnosisKeys(block)))
  }
}

/** Only what came from this peer, and as reports may change here. */
async function reviseKeys(deps: Deps, peer: ImportPeer, keys: readonly DiagnosisKey[], at: UnixSeconds): Promise<void> {
  for (const block of blocksOf(keys)) {
    const revised = await deps.store.transaction(async (tx) => {
      const known = await tx.diagnosisKeysOf(block.map(({ keyData }) => keyData))
      const revisions = block.flatMap((key, k): KeyRevision[] => {
        const before = known[k]
        if (before === undefined || !transitionsFrom(before.key.reportType).includes(key.reportType)) return []
        const revisedAt = Math.max(Math.floor(at / HOUR) * HOUR, before.release) as UnixSeconds
        return [{ keyData: key.keyData, revision: withDefaults(key, peer), revisedAt, source: peer.name }]
      })
      return await tx.reviseDiagnosisKeys(revisions)
    })
    deps.count('import.revisions', revised)
  }
}

const withDefaults = (key: DiagnosisKey, { reportType, daysSinceOnset }: ImportPeer): DiagnosisKey => ({
  ...key,
  reportType: key.reportType === REPORT_TYPE.unknown ? reportType : key.reportType,
  daysSinceOnset: key.daysSinceOnset ?? daysSinceOnset,
})

function isTimely({ rollingStart, rollingPeriod }: DiagnosisKey, at: UnixSeconds): boolean {
  const oldest = (at - PUBLISH.mostAgeSeconds) / INTERVAL_SECONDS
  return rollingStart + rollingPeriod > oldest && rollingStart <= intervalAt(at)
}

const releaseAt = ({ rollingStart, rollingPeriod }: DiagnosisKey, at: UnixSeconds): UnixSeconds =>
  releaseOf({ rollingStartNumber: rollingStart, rollingPeriod }, at)

const blocksOf = <Value>(values: readonly Value[]): Value[][] =>
  Array.from({ length: Math.ceil(values.length / BLOCK) }, (_, k) => values.slice(k * BLOCK, (k + 1) * BLOCK))

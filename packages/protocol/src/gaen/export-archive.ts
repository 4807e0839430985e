// The archive that phones and other servers download. The signature is verified before a byte of the keys is looked at.
import { sha256Stream } from '#crypto'
import { accepted, Malformed, type Outcome, refused } from '../outcome.ts'
import {
  ARCHIVE_LIMITS,
  type ArchiveLimits,
  type Entry,
  inflateEntry,
  inflateWhole,
  readEntries,
  type Source,
  sourceOf,
} from './archive-reader.ts'
import type { ExportFile, ExportHeader } from './export-file.ts'
import { ExportReader, keyCollector, type TakeKeys } from './export-reader.ts'
import { type ExportRefusal, isSigned, readSignatures, refusalOfPair, type TrustedKeys } from './export-signature.ts'

/** More than the most signatures need. */
const MOST_SIGNATURE_BYTES = 64 * 1024

function signatureBytes(source: Source, entry: Entry): Uint8Array {
  if (entry.size > MOST_SIGNATURE_BYTES) throw new Malformed('export.sig', `at most ${MOST_SIGNATURE_BYTES} bytes`)
  return inflateWhole(source, entry)
}

function digestOf(source: Source, entry: Entry): Uint8Array {
  const hash = sha256Stream()
  inflateEntry(source, entry, hash.update)
  return hash.digest()
}

/** Both files of an archive as they are. Throws `Malformed`. */
export function unpackArchive(zip: Uint8Array, limits?: ArchiveLimits): { bin: Uint8Array; sig: Uint8Array } {
  const source = sourceOf(zip)
  const entries = readEntries(source, limits)
  return { bin: inflateWhole(source, entries['export.bin']), sig: signatureBytes(source, entries['export.sig']) }
}

/**
 * Reads an archive without holding it. The first pass inflates and hashes, so that the signature can be verified; the second inflates
 * again and gives the keys to `take`, in blocks. A few megabytes are in memory at a time, however long the archive is. What was taken
 * counts only when the answer is accepted; throws `Malformed`.
 */
export function readArchive(
  source: Source,
  trusted: TrustedKeys,
  take: TakeKeys,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): Outcome<ExportHeader, ExportRefusal> {
  const entries = readEntries(source, limits)
  const signatures = readSignatures(signatureBytes(source, entries['export.sig']))
  const bin = entries['export.bin']
  if (!isSigned(digestOf(source, bin), signatures, trusted)) return refused('signatureForged')
  const reader = new ExportReader(take)
  inflateEntry(source, bin, (piece) => reader.feed(piece))
  const header = reader.finish()
  const refusal = refusalOfPair(header, signatures)
  return refusal === undefined ? accepted(header) : refused(refusal)
}

/** The file in an archive, when it is signed with all keys of one of the trusted sets. Throws `Malformed`. */
export function openArchive(
  zip: Uint8Array,
  trusted: TrustedKeys,
  limits?: ArchiveLimits,
): Outcome<ExportFile, ExportRefusal> {
  const collector = keyCollector()
  const outcome = readArchive(sourceOf(zip), trusted, collector.take, limits)
  return outcome.ok ? accepted(collector.file(outcome.value)) : outcome
}

// Reads the ZIP archive of an export. What counts is the central directory, as deployed exporters put lengths behind the data; of it only
// what two files need, so that no two readers can see different files.
import { viewOf } from '../bytes.ts'
import { Malformed } from '../outcome.ts'
import { ARCHIVE_NAMES, type ArchiveName, ZIP } from './archive.ts'
import { crc32 } from './crc32.ts'
import { inflate } from './inflate.ts'

/** Random access to bytes that do not change, such as a file. A view is fine. */
export interface Source {
  readonly length: number
  readonly read: (offset: number, length: number) => Uint8Array
}

export const sourceOf = (bytes: Uint8Array): Source => ({
  length: bytes.length,
  read: (offset, length) => bytes.subarray(offset, offset + length),
})

const MEBIBYTE = 1024 * 1024
export interface ArchiveLimits {
  /** The archive itself, in bytes. */
  readonly archive: number
  /** Each of the files in it, in bytes. */
  readonly file: number
}
/** Phones take files of 16 MB; mirrors take archives of 20 MiB. */
export const ARCHIVE_LIMITS: ArchiveLimits = { archive: 20 * MEBIBYTE, file: 16 * MEBIBYTE }

const { LOCAL, CENTRAL, END, STORED, DEFLATED } = ZIP
const LITTLE_ENDIAN = true
/** Flags that change nothing for us: how hard the deflater tried, lengths behind the data, names in UTF-8. */
const HARMLESS_FLAGS = 0b1000_0000_1110

const malformed = (expected: string): Malformed => new Malformed('archive', expected)

export interface Entry {
  readonly deflated: boolean
  readonly crc: number
  /** Where its data lie in the archive. */
  readonly from: number
  readonly to: number
  /** Bytes of the file. */
  readonly size: number
}
export type Entries = Readonly<Record<ArchiveName, Entry>>

/** The central directory with its two entries. Throws `Malformed`. */
export function readEntries(source: Source, limits: ArchiveLimits = ARCHIVE_LIMITS): Entries {
  if (source.length > limits.archive) throw malformed(`at most ${limits.archive} bytes`)
  if (source.length < END.bytes) throw malformed('a ZIP archive')
  const endAt = source.length - END.bytes
  const end = viewOf(source.read(endAt, END.bytes))
  // No comment, one disk, 32 bits: an archive that needs more says so with other numbers here, and no export does.
  const expected = [END.signature, 0, ARCHIVE_NAMES.length + ARCHIVE_NAMES.length * 0x10000]
  if (expected.some((word, k) => end.getUint32(4 * k, LITTLE_ENDIAN) !== word) || end.getUint16(20) !== 0) {
    throw malformed('a ZIP archive of export.bin and export.sig')
  }
  const [length, start] = [end.getUint32(12, LITTLE_ENDIAN), end.getUint32(16, LITTLE_ENDIAN)]
  if (start + length !== endAt) throw malformed('a directory right before its end')
  const directory = source.read(start, length)
  const first = readEntry(source, directory, 0, start, limits)
  const second = readEntry(source, directory, first.next, start, limits)
  if (second.next !== length) throw malformed('a directory of two entries')
  if (first.name === second.name) throw malformed('each file once')
  const [a, b] = [first.entry, second.entry]
  if (!(a.to <= b.headerAt || b.to <= a.headerAt)) throw malformed('files that do not overlap')
  const entries = { [first.name]: a, [second.name]: b }
  return entries as unknown as Entries
}

interface Found {
  readonly name: ArchiveName
  readonly entry: Entry & { readonly headerAt: number }
  /** Where the next entry of the directory begins. */
  readonly next: number
}

const nameOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

/** The entry of the directory at `at`, with the place of its data, which lie before `directoryAt`. */
function readEntry(
  source: Source,
  directory: Uint8Array,
  at: number,
  directoryAt: number,
  limits: ArchiveLimits,
): Found {
  if (directory.length < at + CENTRAL.bytes) throw malformed('a directory of two entries')
  const view = viewOf(directory.subarray(at))
  const uint16 = (offset: number): number => view.getUint16(offset, LITTLE_ENDIAN)
  const uint32 = (offset: number): number => view.getUint32(offset, LITTLE_ENDIAN)
  if (uint32(0) !== CENTRAL.signature) throw malformed('a directory of two entries')
  if ((uint16(8) & ~HARMLESS_FLAGS) !== 0) throw malformed('files that are not encrypted')
  const [method, packed, size, nameLength] = [uint16(10), uint32(20), uint32(24), uint16(28)]
  const next = at + CENTRAL.bytes + nameLength + uint16(30) + uint16(32)
  if (next > directory.length) throw malformed('a directory of two entries')
  const nameBytes = directory.subarray(at + CENTRAL.bytes, at + CENTRAL.bytes + nameLength)
  const name = ARCHIVE_NAMES.find((wanted) => wanted === nameOf(nameBytes))
  if (name === undefined) throw malformed('export.bin and export.sig only')
  if (method !== DEFLATED && !(method === STORED && packed === size)) throw malformed('files stored or deflated')
  if (size > limits.file) throw malformed(`files of at most ${limits.file} bytes`)
  const headerAt = uint32(42)
  const from = dataStart(source, headerAt, nameBytes, method)
  const to = from + packed
  if (to > directoryAt) throw malformed('files before the directory')
  return { name, entry: { deflated: method === DEFLATED, crc: uint32(16), from, to, size, headerAt }, next }
}

/** The local header says again what the directory says; of both readers must see the same. */
function dataStart(source: Source, headerAt: number, name: Uint8Array, method: number): number {
  const header = source.read(headerAt, LOCAL.bytes + name.length)
  if (header.length < LOCAL.bytes + name.length) throw malformed('files before the directory')
  const view = viewOf(header)
  const sameName =
    view.getUint16(26, LITTLE_ENDIAN) === name.length && name.every((byte, k) => header[LOCAL.bytes + k] === byte)
  const isSame = view.getUint32(0, LITTLE_ENDIAN) === LOCAL.signature && view.getUint16(8, LITTLE_ENDIAN) === method
  if (!sameName || !isSame) throw malformed('files under the names of the directory')
  return headerAt + LOCAL.bytes + name.length + view.getUint16(28, LITTLE_ENDIAN)
}

/** Bytes of a stored file that are read at a time. */
const PIECE = 4096

/**
 * Gives the file of an entry in pieces, views that hold during the call, and never more than its announced length. Throws `Malformed` for
 * data that are no deflate stream, and for another length or CRC than announced.
 */
export function inflateEntry(source: Source, entry: Entry, take: (piece: Uint8Array) => void): void {
  let size = 0
  let crc = 0
  const pass = (piece: Uint8Array): void => {
    size += piece.length
    crc = crc32(piece, crc)
    take(piece)
  }
  if (entry.deflated) inflate(source, entry.from, entry.to, entry.size, pass)
  else for (let at = entry.from; at < entry.to; at += PIECE) pass(source.read(at, Math.min(PIECE, entry.to - at)))
  if (size !== entry.size || crc !== entry.crc) throw malformed('files of the announced length and CRC')
}

/** The file of an entry in one piece. */
export function inflateWhole(source: Source, entry: Entry): Uint8Array {
  const whole = new Uint8Array(entry.size)
  let at = 0
  inflateEntry(source, entry, (piece) => {
    whole.set(piece, at)
    at += piece.length
  })
  return whole
}

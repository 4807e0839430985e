// The ZIP archive of an export (APPNOTE 6.3): `export.bin` and `export.sig`, nothing else.
import { deflateSync } from 'fflate'
import { ascii, concat } from '../bytes.ts'
import { crc32 } from './crc32.ts'

export const ARCHIVE_NAMES = ['export.bin', 'export.sig'] as const
export type ArchiveName = (typeof ARCHIVE_NAMES)[number]

/** Headers of the format: what they begin with, and their bytes without names. */
export const ZIP = {
  LOCAL: { signature: 0x04034b50, bytes: 30 },
  CENTRAL: { signature: 0x02014b50, bytes: 46 },
  END: { signature: 0x06054b50, bytes: 22 },
  STORED: 0,
  DEFLATED: 8,
} as const

const { LOCAL, CENTRAL, END, STORED, DEFLATED } = ZIP
const LITTLE_ENDIAN = true

/** Version 2.0; the first day that the format can name, midnight: equal files make equal archives. */
const VERSION = 20
const DATE = (1 << 5) | 1

/** What the headers of an entry have in common, 26 bytes: version, flags, method, time, date, CRC, lengths, name, extra field. */
function entryFields(name: ArchiveName, method: number, data: Uint8Array, packed: Uint8Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(26))
  view.setUint16(0, VERSION, LITTLE_ENDIAN)
  view.setUint16(4, method, LITTLE_ENDIAN)
  view.setUint16(8, DATE, LITTLE_ENDIAN)
  view.setUint32(10, crc32(data), LITTLE_ENDIAN)
  view.setUint32(14, packed.length, LITTLE_ENDIAN)
  view.setUint32(18, data.length, LITTLE_ENDIAN)
  view.setUint16(22, name.length, LITTLE_ENDIAN)
  return new Uint8Array(view.buffer)
}

function littleEndian(length: number, value: number): Uint8Array {
  return Uint8Array.from({ length }, (_, k) => Math.floor(value / 256 ** k))
}

/** Level and memory are named, because the choice of the library depends on the floating point of the machine. */
const DEFLATE = { level: 6, mem: 8 } as const

/** The archive of an export. Equal files give equal bytes. */
export function packArchive(bin: Uint8Array, sig: Uint8Array): Uint8Array {
  const local: Uint8Array[] = []
  const central: Uint8Array[] = []
  let offset = 0
  for (const [k, data] of [bin, sig].entries()) {
    const name = ARCHIVE_NAMES[k]!
    const deflated = deflateSync(data, DEFLATE)
    const isSmaller = deflated.length < data.length
    const packed = isSmaller ? deflated : data
    const fields = entryFields(name, isSmaller ? DEFLATED : STORED, data, packed)
    local.push(littleEndian(4, LOCAL.signature), fields, ascii(name), packed)
    // Central: version of the maker in front; comment, disk, attributes (all none) and the place of the local header behind.
    const behind = concat(new Uint8Array(10), littleEndian(4, offset))
    central.push(littleEndian(4, CENTRAL.signature), littleEndian(2, VERSION), fields, behind, ascii(name))
    offset += LOCAL.bytes + name.length + packed.length
  }
  const directory = concat(...central)
  const count = littleEndian(2, ARCHIVE_NAMES.length)
  const lengths = concat(littleEndian(4, directory.length), littleEndian(4, offset))
  const end = concat(littleEndian(4, END.signature), new Uint8Array(4), count, count, lengths, new Uint8Array(2))
  return concat(...local, directory, end)
}

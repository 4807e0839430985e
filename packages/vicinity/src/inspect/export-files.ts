// Export files from disk, whoever wrote them.
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Malformed } from '@vicinity/protocol'
import { ARCHIVE_LIMITS, type ExportFile, readExport, unpackArchive } from '@vicinity/protocol/gaen'
import { UsageError } from '../usage.ts'

export interface ReadExport {
  readonly bin: Uint8Array
  /** Undefined for an export.bin alone. */
  readonly sig: Uint8Array | undefined
  readonly file: ExportFile
}

/** Archives begin so. */
const isArchive = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b

/** What `read` makes of a file; what is wrong with the file is told in one line. */
export function orUsageError<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Malformed) throw new UsageError(`${path} is no export: ${error.message}`)
    if (error instanceof Error && 'code' in error) throw new UsageError(`${path} cannot be read (${error.code})`)
    throw error
  }
}

/** An archive, or the export.bin of one. */
export function readExportFile(path: string): ReadExport {
  return orUsageError(path, () => {
    // Before it is read, because it may be anything.
    if (statSync(path).size > ARCHIVE_LIMITS.archive) {
      throw new Malformed('archive', `at most ${ARCHIVE_LIMITS.archive} bytes`)
    }
    const bytes = readFileSync(path)
    const { bin, sig } = isArchive(bytes) ? unpackArchive(bytes) : { bin: bytes, sig: undefined }
    return { bin, sig, file: readExport(bin) }
  })
}

/** Paths of the exports below a folder, by name; links are not followed. */
export function exportPathsIn(folder: string): string[] {
  return orUsageError(folder, () => {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    const wanted = names.filter((name) => /\.(?:zip|bin)$/i.test(name)).sort()
    return wanted.filter((name) => lstatSync(join(folder, name)).isFile())
  })
}

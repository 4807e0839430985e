// index.txt: which exports there are, oldest first. One relative path a line, US-ASCII.
import { ascii } from '../bytes.ts'
import { Malformed } from '../outcome.ts'

export const INDEX_BOUNDS = { bytes: 1024 * 1024, paths: 10_000, pathCharacters: 512 } as const

/** Segments of letters, digits and marks that no part of a URL begins with; neither `.` nor `..`. */
const PATH = /^(?!\.{1,2}(?:\/|$))[\w.~+=-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.~+=-]+)*$/

/** Whether a path stays below the address that it is relative to. */
export const isExportPath = (path: string): boolean => path.length <= INDEX_BOUNDS.pathCharacters && PATH.test(path)

/** Sorted by its characters. Throws `Malformed` for a path that is not relative. */
export function packIndex(paths: readonly string[]): Uint8Array {
  if (!paths.every(isExportPath)) throw new Malformed('index', 'relative paths')
  return ascii([...paths].sort().join('\n'))
}

/**
 * The paths in the order of the file, without repetitions. Empty lines and line ends of Windows are passed over. Throws `Malformed` for
 * absolute paths, `..`, schemes, other characters, and for more than the bounds.
 */
export function parseIndex(bytes: Uint8Array): string[] {
  if (bytes.length > INDEX_BOUNDS.bytes) throw new Malformed('index', `at most ${INDEX_BOUNDS.bytes} bytes`)
  const lines = asciiText(bytes)
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
  const paths = [...new Set(lines.filter((line) => line !== ''))]
  if (paths.length > INDEX_BOUNDS.paths) throw new Malformed('index', `at most ${INDEX_BOUNDS.paths} paths`)
  if (!paths.every(isExportPath)) throw new Malformed('index', 'relative paths')
  return paths
}

/** Bytes above 127 become characters that no path has. */
const asciiText = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

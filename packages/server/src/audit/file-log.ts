// Where an audit log lies: two files that only grow, one for the entries and one for the heads.
import { closeSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Appendable, AuditFiles } from './log.ts'

export const headsPath = (path: string): string => `${path}.heads`

export function auditFiles(path: string): AuditFiles {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  return { log: fileAppendable(path), heads: fileAppendable(headsPath(path)) }
}

export function fileAppendable(path: string): Appendable {
  // Readable by the group, for an auditor: nothing in it is secret.
  const handle = openSync(path, 'a+', 0o640)
  syncDirectoryOf(path)
  let size = fstatSync(handle).size
  const cut = (to: number) => {
    if (to === fstatSync(handle).size) return
    ftruncateSync(handle, to)
    fsyncSync(handle)
    size = to
  }
  return {
    read: () => new Uint8Array(readFileSync(path)),
    append(bytes) {
      // Two back-ends that write to one log would break its chain; so would a half line that could not be removed.
      if (fstatSync(handle).size !== size) throw new Error('the audit log is not as this back-end left it')
      try {
        for (let from = 0; from < bytes.length; ) from += writeSync(handle, bytes, from)
        fsyncSync(handle)
      } catch (error) {
        // A full disk: half a line must not stand before the next one.
        cut(size)
        throw error
      }
      size += bytes.length
    },
    cut,
    close: () => closeSync(handle),
  }
}

/** So that the file is still there after the power failed. */
function syncDirectoryOf(path: string): void {
  const handle = openSync(dirname(path), 'r')
  fsyncSync(handle)
  closeSync(handle)
}

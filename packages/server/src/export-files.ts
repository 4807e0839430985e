// Where exports lie: files by name, read by phones while the exporter writes. A directory here; a bucket elsewhere.
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Names are relative paths with `/`. Every change is whole or not there at all, and durable when the promise resolves. */
export interface ExportFiles {
  /** Replaces what lies under the name. */
  readonly write: (name: string, bytes: Uint8Array) => Promise<void>
  /** Undefined where there is none. */
  readonly read: (name: string) => Promise<Uint8Array | undefined>
  /** All names, ascending. */
  readonly list: () => Promise<readonly string[]>
  /** A name that is not there is no error. */
  readonly remove: (name: string) => Promise<void>
}

export function memoryFiles(): ExportFiles {
  const files = new Map<string, Uint8Array>()
  return {
    write: async (name, bytes) => void files.set(name, Uint8Array.from(bytes)),
    read: async (name) => files.get(name),
    list: async () => [...files.keys()].sort(),
    remove: async (name) => void files.delete(name),
  }
}

const UNFINISHED = '.unfinished'

/** Files in a directory that a web server may serve as it is. What a crash left unfinished is removed at the start. */
export function directoryFiles(directory: string): ExportFiles {
  mkdirSync(directory, { recursive: true })
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith(UNFINISHED)) rmSync(join(directory, name), { force: true })
  }
  return {
    async write(name, bytes) {
      const path = join(directory, name)
      const unfinished = `${path}.${randomUUID()}${UNFINISHED}`
      await mkdir(dirname(path), { recursive: true })
      const handle = await open(unfinished, 'w', 0o644)
      try {
        await handle.writeFile(bytes)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(unfinished, path)
      await syncDirectory(dirname(path))
    },
    async read(name) {
      try {
        return new Uint8Array(await readFile(join(directory, name)))
      } catch (error) {
        // A directory is no file: somebody asks for a name that is none.
        if (!['ENOENT', 'EISDIR', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
        return undefined
      }
    },
    async list() {
      const entries = await readdir(directory, { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile() && !entry.name.endsWith(UNFINISHED))
        .map((entry) => join(entry.parentPath, entry.name).slice(join(directory, '/').length).replaceAll('\\', '/'))
        .sort()
    },
    async remove(name) {
      const path = join(directory, name)
      await rm(path, { force: true })
      await syncDirectory(dirname(path))
    },
  }
}

/** So that a name is still there, or gone, after the power failed. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

/** Named secrets, kept apart from the database: a dump of the database opens nothing. */
export interface KeyFiles {
  readonly read: (name: string) => Uint8Array | undefined
  /** Durable when it returns. */
  readonly write: (name: string, bytes: Uint8Array) => void
  readonly remove: (name: string) => void
  readonly names: () => readonly string[]
}

export function memoryKeys(): KeyFiles {
  const keys = new Map<string, Uint8Array>()
  return {
    read: (name) => keys.get(name),
    write: (name, bytes) => void keys.set(name, bytes),
    remove: (name) => void keys.delete(name),
    names: () => [...keys.keys()],
  }
}

/** One file a key in a directory of mode 0700, files of mode 0600. A crash leaves a key whole or absent. */
export function directoryKeys(directory: string): KeyFiles {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const sync = () => {
    const handle = openSync(directory, 'r')
    fsyncSync(handle)
    closeSync(handle)
  }
  return {
    read(name) {
      try {
        return new Uint8Array(readFileSync(join(directory, name)))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    write(name, bytes) {
      const unfinished = join(directory, `${name}.new`)
      const handle = openSync(unfinished, 'w', 0o600)
      writeSync(handle, bytes)
      fsyncSync(handle)
      closeSync(handle)
      renameSync(unfinished, join(directory, name))
      sync()
    },
    remove(name) {
      rmSync(join(directory, name), { force: true })
      sync()
    },
    names: () => readdirSync(directory).filter((name) => !name.endsWith('.new')),
  }
}

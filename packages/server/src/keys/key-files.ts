import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/** Named secrets, kept apart from the database: a dump of the database opens nothing. */
export interface KeyFiles {
  readonly read: (name: string) => Uint8Array | undefined
  /** Keeps bytes under a free name, durable when it returns. Gives what is kept: of two that create one key, one wins. */
  readonly create: (name: string, bytes: Uint8Array) => Uint8Array
  /** Puts other bytes in the place of what lies under a name, whole or not at all; its age stays. */
  readonly replace: (name: string, bytes: Uint8Array) => void
  readonly remove: (name: string) => void
  /** Unix seconds when a secret was made; undefined where that is not known. */
  readonly madeAt: (name: string) => number | undefined
  readonly names: () => readonly string[]
}

export function memoryKeys(): KeyFiles {
  const keys = new Map<string, Uint8Array>()
  return {
    read: (name) => keys.get(name),
    create(name, bytes) {
      const kept = keys.get(name) ?? bytes
      keys.set(name, kept)
      return kept
    },
    replace: (name, bytes) => void keys.set(name, bytes),
    remove: (name) => void keys.delete(name),
    madeAt: () => undefined,
    names: () => [...keys.keys()],
  }
}

const UNFINISHED = '.new'

/** One file a key in a directory of mode 0700, files of mode 0600. A crash leaves a key whole or absent. */
export function directoryKeys(directory: string): KeyFiles {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  // After a crash such a file may be a second copy of a key that is to be destroyed one day.
  for (const name of readdirSync(directory))
    if (name.endsWith(UNFINISHED)) rmSync(join(directory, name), { force: true })
  const sync = () => {
    const handle = openSync(directory, 'r')
    fsyncSync(handle)
    closeSync(handle)
  }
  const read = (name: string): Uint8Array | undefined => {
    try {
      return new Uint8Array(readFileSync(join(directory, name)))
    } catch (error) {
      return unless(error, 'ENOENT')
    }
  }
  const write = (name: string, bytes: Uint8Array): string => {
    const unfinished = join(directory, `${name}.${randomUUID()}${UNFINISHED}`)
    const handle = openSync(unfinished, 'wx', 0o600)
    writeFileSync(handle, bytes)
    fsyncSync(handle)
    closeSync(handle)
    return unfinished
  }
  const madeAt = (name: string): number | undefined => {
    const time = statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs
    return time === undefined ? undefined : Math.floor(time / 1000)
  }
  /** False where the unfinished file is gone: another process that starts at this moment has removed it. */
  const link = (name: string, bytes: Uint8Array): boolean => {
    const unfinished = write(name, bytes)
    try {
      // Unlike a rename, a link does not replace the key that another process has just made.
      linkSync(unfinished, join(directory, name))
    } catch (error) {
      if (!existsSync(unfinished)) return false
      unless(error, 'EEXIST')
    }
    rmSync(unfinished, { force: true })
    return true
  }
  return {
    read,
    madeAt,
    create(name, bytes) {
      while (!link(name, bytes));
      sync()
      return read(name) ?? bytes
    },
    replace(name, bytes) {
      const made = madeAt(name)
      const unfinished = write(name, bytes)
      if (made !== undefined) utimesSync(unfinished, made, made)
      renameSync(unfinished, join(directory, name))
      sync()
    },
    remove(name) {
      rmSync(join(directory, name), { force: true })
      sync()
    },
    names: () => readdirSync(directory).filter((name) => !name.endsWith(UNFINISHED)),
  }
}

function unless(error: unknown, code: string): undefined {
  if ((error as NodeJS.ErrnoException).code !== code) throw error
}

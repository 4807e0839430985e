import { openSqlite } from './sqlite.ts'
import type { Store, StoreOptions } from './store.ts'

/**
 * Opens the store of a URL: `sqlite:PATH` or `sqlite::memory:`. `sqlite:PATH?synchronous=normal` is for data that may be
 * lost with the power. Throws with the forms that are known.
 */
export function openStore(url: string, options: StoreOptions = {}): Store {
  const match = /^sqlite:(?<path>[^?]+)(?<normal>\?synchronous=normal)?$/.exec(url)
  const path = match?.groups?.['path']
  if (path === undefined) throw new Error(`unknown store ${url}: use sqlite:PATH or sqlite::memory:`)
  return openSqlite(path, match?.groups?.['normal'] === undefined, options)
}

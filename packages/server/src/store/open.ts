import { BadStore } from './failures.ts'
import { openPostgres, postgresStore } from './postgres.ts'
import { openSqlite } from './sqlite.ts'
import type { Store, StoreOptions } from './store.ts'
import { startThrowaway } from './throwaway.ts'

/** The forms of a store's URL, as messages name them. */
const FORMS = 'use sqlite:PATH, sqlite::memory:, postgres://USER:PASSWORD@HOST:PORT/NAME or postgres:throwaway'

/**
 * Opens the store of a URL. `sqlite:PATH?synchronous=normal` is for data that may be lost with the power, `postgres:throwaway` is
 * a cluster that ends with the store; `postgres:throwaway?durable=true` waits for the disk until then. Throws with the forms that are known, never with the URL: it may hold a password.
 */
export function openStore(url: string, options: StoreOptions = {}): Store {
  const throwaway = /^postgres:throwaway(?<durable>\?durable=true)?$/.exec(url)
  if (throwaway !== null) {
    const durable = throwaway.groups?.['durable'] !== undefined
    return postgresStore(() => startThrowaway(durable), { connections: 1, bucketBits: undefined }, options)
  }
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(url, options)
  const match = /^sqlite:(?<path>[^?]+)(?<normal>\?synchronous=normal)?$/.exec(url)
  const path = match?.groups?.['path']
  if (path === undefined) throw new BadStore(`unknown store: ${FORMS}`)
  return openSqlite({ path, durable: match?.groups?.['normal'] === undefined }, options)
}

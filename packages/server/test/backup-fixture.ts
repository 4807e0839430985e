// A database with rows in every table that a backup holds, and all rows of a database as text.
import { randomBytes } from 'node:crypto'
import { toHex, type UnixSeconds, type UtcDay } from '@vicinity/protocol'
import { NEW_STATUS, packExposure } from '@vicinity/protocol/robert'
import { type BackupInput, backUp, type RestoreInput, restore } from '../src/backup/backup.ts'
import { placeOfStore } from '../src/backup/places.ts'
import { TABLES } from '../src/backup/tables.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import { openStore } from '../src/store/open.ts'
import { NOON, randomOf, TODAY } from './fixture.ts'

export const KEY: Uint8Array = randomOf('backup key')(32)
const random = randomOf('backup rows')
const LARGEST = 2 ** 40 - 1

/** Fills every table; numbers of every sign, bytes of every value, text beyond ASCII, and nulls. */
export async function fill(url: string, users = 40): Promise<void> {
  const store = openStore(url)
  await store.transaction(async (tx) => {
    await tx.setUp('a country, "quoted", é')
    await tx.noteTime(NOON)
    for (let n = 0; n < users; n++) {
      const id = n === 0 ? LARGEST : n * 26_000_000_000
      await tx.addUser({ id, authenticationKey: random(60), encryptionKey: random(60) })
      const to = {
        ...NEW_STATUS,
        notified: 'pending' as const,
        lastStatusRequestEpoch: n as never,
        lastRequestTag: random(8),
      }
      if (n % 2 === 0) await tx.changeStatuses([{ id, from: NEW_STATUS, to }])
      if (n % 3 === 0)
        await tx.appendExposures([{ id, exposures: packExposure({ epoch: n as never, slot: 1, weight: 50 }) }])
      await tx.spendTokens([{ day: (TODAY - (n % 3)) as UtcDay, spentKey: random(16) }])
      await tx.queueItem(n % 2, random(16), random(49))
    }
    await tx.spendTokens([{ day: TODAY, spentKey: Uint8Array.from({ length: 16 }, (_, k) => (k % 2 === 0 ? 0 : 255)) }])
    const hash = random(32)
    await tx.addCode({ hash, contagiousFrom: NOON, contagiousTo: NOON, expires: NOON })
    await tx.bindChunk(hash, TODAY, 0, random(32))
    await tx.spendChallenge(random(16), NOON)
    await tx.noteDepartures([random(16)])
  })
  await store.close()
  await fillGaen(url)
}

const NULLABLE = /^(?:code|long_code|symptom_day|test_day|nonce|onset|revised.*)$/

async function fillGaen(url: string): Promise<void> {
  const target = await placeOfStore(url).target()
  for (const table of TABLES.filter(({ name }) => /^(?:verification|diagnosis|export|imported)_/.test(name))) {
    const columns = Object.keys(table.columns)
    const rowOf = (n: number, whole: boolean) =>
      columns.map((column) => {
        if (!whole && NULLABLE.test(column) && table.name !== 'verification_tally') return null
        const kind = table.columns[column]
        return kind === 'bytes' ? random(32) : kind === 'text' ? `é ${n}` : n - 1
      })
    await target.insert(table, columns, [rowOf(0, true), rowOf(1, false)])
  }
  await target.close()
}

/** All rows of the tables of a backup, in the order of their keys. */
export async function rowsIn(url: string): Promise<Record<string, string[]>> {
  const snapshot = await placeOfStore(url).snapshot()
  const all: Record<string, string[]> = {}
  for (const table of TABLES) {
    const rows: string[] = []
    for await (const page of snapshot.pages(table)) {
      for (const row of page)
        rows.push(JSON.stringify(row, (_key, value) => (value instanceof Uint8Array ? toHex(value) : value)))
    }
    all[table.name] = rows.sort()
  }
  await snapshot.close()
  return all
}

export const backedUp = (url: string, path: string, changes: Partial<BackupInput> = {}) =>
  backUp({
    place: placeOfStore(url),
    path,
    key: KEY,
    random: (length) => randomBytes(length),
    at: NOON as UnixSeconds,
    progress: () => {},
    ...changes,
  })

export const restored = (url: string, path: string, changes: Partial<RestoreInput> = {}) =>
  restore({
    place: placeOfStore(url),
    path,
    key: KEY,
    keyFiles: memoryKeys(),
    departed: [],
    days: 21,
    at: NOON as UnixSeconds,
    before: () => {},
    progress: () => {},
    ...changes,
  })

// The users of a country, with keys that are really sealed, back-ends that know them, and what their phones send.
import assert from 'node:assert/strict'
import { dayOf, epochAt, later, ntpOf, type UnixSeconds } from '@vicinity/protocol'
import { buildRequest, CODE, closeEbids, SIZE, SPEC, withParameters, writeEbidBlocks } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS, type Deps, type KeyFiles, makeDeps, memoryKeys, type Settings } from '@vicinity/server'
import { crewOf } from '../packages/server/src/crew/threads.ts'
import { placeOfWindow, windowAt, windowEnds } from '../packages/server/src/flows/pool.ts'
import { keepServerKeys } from '../packages/server/src/flows/server-keys.ts'
import { KeyRing } from '../packages/server/src/keys/key-ring.ts'
import { SEALED_KEY } from '../packages/server/src/keys/sealed.ts'
import type { Vault } from '../packages/server/src/vault/vault.ts'
import { BATCH, calendar, drawIds, itemsOf, NOW, random, YESTERDAY } from './items.ts'
import type { Database, Row } from './server-databases.ts'
import { UserTable } from './user-table.ts'

/** Windows follow each other quickly, so that all that is queued lies within the days of an exposure. */
const PARAMETERS = withParameters({ proofOfWork: 0, poolWindow: 600 })
const SETTINGS: Settings = {
  ...DEFAULT_SETTINGS,
  serviceStart: calendar.serviceStart,
  parameters: PARAMETERS,
  // Milliseconds, as `vicinity serve` has it.
  replyGrid: 20,
}

/** Chance by the page: drawing it for each key alone costs more than sealing the key. */
function pooled(): (length: number) => Uint8Array {
  let page = random(2 ** 16)
  let used = 0
  return (length) => {
    if (used + length > page.length) [page, used] = [random(2 ** 16), 0]
    used += length
    return page.subarray(used - length, used)
  }
}

export interface Country {
  readonly ids: Float64Array
  readonly authenticationKeys: Uint8Array
  readonly table: UserTable
  /** Rows of `SEALED_KEY` bytes. */
  readonly sealed: { readonly authentication: Uint8Array; readonly encryption: Uint8Array }
  /** A copy, for each back-end destroys keys by itself. */
  readonly keyFiles: () => KeyFiles
}

export function makeCountry(users: number): Country {
  const files = memoryKeys()
  const ring = new KeyRing(files, pooled())
  const ids = drawIds(users)
  const authenticationKeys = random(SIZE.key * users)
  const encryptionKeys = random(SIZE.key * users)
  const sealed = {
    authentication: new Uint8Array(SEALED_KEY * users),
    encryption: new Uint8Array(SEALED_KEY * users),
  }
  ids.forEach((id, k) => {
    const key = (keys: Uint8Array) => keys.subarray(SIZE.key * k, SIZE.key * (k + 1))
    sealed.authentication.set(ring.sealUserKey('authentication', id, key(authenticationKeys)), SEALED_KEY * k)
    sealed.encryption.set(ring.sealUserKey('encryption', id, key(encryptionKeys)), SEALED_KEY * k)
  })
  const keyFiles = () => {
    const copy = memoryKeys()
    for (const name of files.names()) copy.create(name, Uint8Array.from(files.read(name)!))
    return copy
  }
  return { ids, authenticationKeys, table: new UserTable(ids, authenticationKeys), sealed, keyFiles }
}

/** A back-end, as `vicinity serve` makes one, that knows the first so many users of a country. */
export interface BackEnd {
  readonly country: Country
  readonly users: number
  readonly database: Database
  readonly deps: Deps
}

export async function backEndOf(country: Country, users: number, database: Database): Promise<BackEnd> {
  const { deps } = await withVault(country, database)
  const { ids, sealed } = country
  const key = (rows: Uint8Array, k: number) => rows.subarray(SEALED_KEY * k, SEALED_KEY * (k + 1))
  const rows = function* (row: (id: number, k: number) => Row): Generator<Row> {
    for (let k = 0; k < users; k++) yield row(ids[k]!, k)
  }
  const none = new Uint8Array(SIZE.requestTag)
  await database.insert(
    'user_key',
    { bucket: 'int2', id: 'int8', authentication_key: 'bytea', encryption_key: 'bytea' },
    rows((id, k) => [0, id, key(sealed.authentication, k), key(sealed.encryption, k)]),
  )
  await database.insert(
    'user_status',
    {
      bucket: 'int2',
      id: 'int8',
      notified: 'int2',
      status_epoch: 'int4',
      warned_through: 'int4',
      request_tag: 'bytea',
    },
    rows((id) => [0, id, 0, -1, -1, none]),
  )
  await database.settle()
  return { country, users, database, deps }
}

/** Another back-end over the same database. */
export async function withVault(
  country: Country,
  { store }: Database,
  vault?: Vault,
): Promise<{ readonly deps: Deps }> {
  const deps = makeDeps({
    store,
    keyFiles: country.keyFiles(),
    ...(vault !== undefined && { vault }),
    random: pooled(),
    settings: SETTINGS,
    crew: crewOf(1),
  })
  await keepServerKeys(deps, YESTERDAY)
  await keepServerKeys(deps, NOW)
  return { deps }
}

/** Status requests at `NOW` of users from the `first` on, one each, 96 bytes a row: the time of all is good, and all are served. */
export function statusRequests({ country, users, deps }: BackEnd, first: number, count: number): Uint8Array {
  assert.ok(first + count <= users, 'everybody asks once')
  const epoch = epochAt(deps.calendar, NOW)
  const ebids = new Uint8Array(SIZE.ebid * count)
  for (let k = 0; k < count; k++) writeEbidBlocks(ebids, k, country.ids[first + k]!, epoch, 1)
  closeEbids(deps.robert.serverKeyOf(dayOf(NOW))!, ebids)
  const requests = new Uint8Array(new SharedArrayBuffer(SIZE.request * count))
  const fields = { code: CODE.status, epoch, time: ntpOf(NOW), payload: new Uint8Array(0) }
  for (let k = 0; k < count; k++) {
    const key = country.authenticationKeys.subarray(SIZE.key * (first + k), SIZE.key * (first + k + 1))
    const ebid = ebids.subarray(SIZE.ebid * k, SIZE.ebid * (k + 1))
    requests.set(buildRequest(SPEC, key, { ...fields, ebid }), SIZE.request * k)
  }
  return requests
}

/**
 * Queues so many windows of valid items of users at random, sealed under the keys of their windows. Gives the times at which one window
 * after the other is due.
 */
export async function fillQueue(
  { country, users, database, deps }: BackEnd,
  windows: number,
  batches: number,
): Promise<readonly UnixSeconds[]> {
  const first = windowAt(PARAMETERS, NOW) + 1
  const ids = country.ids.subarray(0, users)
  const rows = function* (): Generator<Row> {
    for (let window = first; window < first + windows; window++) {
      const [key, place] = [deps.keys.intakeKey(window), placeOfWindow(window)]
      for (let batch = 0; batch < batches; batch++) {
        const items = itemsOf(deps.robert, ids, country.table)
        for (let k = 0; k < BATCH; k++) {
          const item = items.subarray(SIZE.item * k, SIZE.item * (k + 1))
          yield [0, window, deps.random(16), deps.keys.seal(key, place, item)]
        }
      }
    }
  }
  await database.insert('item_queue', { bucket: 'int2', window: 'int8', row_id: 'bytea', body: 'bytea' }, rows())
  await database.settle()
  return Array.from({ length: windows }, (_, k) => later(0 as UnixSeconds, windowEnds(PARAMETERS, first + k)))
}

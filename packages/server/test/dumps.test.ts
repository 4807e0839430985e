// Whoever has the database, its log, a dump and a backup, but not the key directory, reads nothing of anybody (T-57, S4).
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { later, toBase64url, toHex } from '@vicinity/protocol'
import { CODE, SIZE } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS, makeDeps } from '../src/deps.ts'
import { processContacts } from '../src/flows/process-contacts.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import { type KeyFiles, memoryKeys } from '../src/keys/key-files.ts'
import { openStore } from '../src/store/open.ts'
import { backedUp, rowsIn } from './backup-fixture.ts'
import {
  AUTHORITY,
  AUTHORITY_TOKEN,
  ask,
  askStatus,
  type BackEnd,
  callOf,
  itemOf,
  NOON,
  type Phone,
  pairAt,
  parametersOf,
  pass,
  randomOf,
  registerPhone,
  requestOf,
  SERVICE_START,
  TODAY,
  temporaryDirectory,
  withToken,
} from './fixture.ts'
import { throwawayDatabases } from './postgres-fixture.ts'

const postgres = await throwawayDatabases(after)
const skip = postgres.without
const POOL = 3600

type Secrets = Map<string, Uint8Array>

/** A back-end on a store of a URL. */
async function backEndOn(t: TestContext, url: string, keyFiles: KeyFiles): Promise<BackEnd> {
  const store = openStore(url)
  t.after(() => store.close())
  const parameters = parametersOf({ poolWindow: POOL })
  const settings = { ...DEFAULT_SETTINGS, serviceStart: SERVICE_START, authorityToken: AUTHORITY_TOKEN, parameters }
  const deps = makeDeps({ store, keyFiles, random: randomOf('dumps'), settings })
  const clock = { now: NOON }
  await keepServerKeys(deps, NOON)
  const way = (authorization?: string) => callOf(deps, () => clock.now, authorization)
  const server = { deps, clock, path: '', statements: [], call: way(), asAuthority: way(AUTHORITY) }
  return { ...server, with: () => server as never }
}

/** Half a day of a country; gives what nobody may find, by name, and what everybody may. */
async function live(server: BackEnd, keyFiles: KeyFiles): Promise<{ secrets: Secrets; known: Uint8Array }> {
  const secrets: Secrets = new Map()
  const phones: Phone[] = []
  for (const name of ['one', 'two', 'three']) {
    const phone = await registerPhone(server, name)
    phones.push(phone)
    secrets.set(`authentication key of ${name}`, phone.keys.authenticationKey)
    secrets.set(`encryption key of ${name}`, phone.keys.encryptionKey)
    secrets.set(`identifier of ${name}`, pairAt(server, phone, NOON).slice(0, SIZE.ebid))
  }
  const { code } = await server.asAuthority('issueCode', { contagiousFrom: later(NOON, -9999), contagiousTo: NOON })
  secrets.set('code', new TextEncoder().encode(code))
  for (const [n, phone] of phones.entries()) {
    const item = itemOf(server, phone, later(NOON, 300 * n))
    const given = withToken(server, item, TODAY, randomOf(`item ${n}`)(32))
    secrets.set(`HELLO ${n}`, item.slice(0, SIZE.hello)).set(`token ${n}`, given.token).set(`random ${n}`, given.random)
    secrets.set(`nonce ${n}`, given.token.slice(0, 32)).set(`response ${n}`, given.token.slice(32))
    await server.call('upload', given)
  }
  const windows = await server.deps.store.transaction((tx) => tx.queuedWindows())
  const [queued] = await server.deps.store.transaction((tx) => tx.queuedItems(windows[0]!, 9))
  keysOf(keyFiles, secrets)
  pass(server, 2 * POOL)
  await processContacts(server.deps, server.clock.now)
  for (const phone of phones) await askStatus(server, phone)
  const request = requestOf(server, phones[1]!, CODE.unregister)
  secrets.set('request', request.slice(9))
  await ask(server, phones[1]!, request)
  await server.call(
    'upload',
    withToken(server, itemOf(server, phones[0]!, server.clock.now), TODAY, randomOf('late')(32)),
  )
  keysOf(keyFiles, secrets)
  return { secrets, known: queued!.body }
}

/** Every key, also those that are destroyed later. */
function keysOf(keyFiles: KeyFiles, secrets: Secrets): void {
  for (const name of keyFiles.names()) secrets.set(`key ${name}`, Uint8Array.from(keyFiles.read(name)!))
}

/** In which of the files a value stands, as it is or written out. */
function whereIs(value: Uint8Array, files: ReadonlyMap<string, Buffer>): string[] {
  const forms = [
    Buffer.from(value),
    toHex(value),
    Buffer.from(value).toString('base64').replace(/=+$/, ''),
    toBase64url(value),
  ]
  return [...files].filter(([, bytes]) => forms.some((form) => bytes.includes(form))).map(([path]) => path)
}

function filesUnder(path: string, found = new Map<string, Buffer>()): Map<string, Buffer> {
  if (!existsSync(path)) return found
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) filesUnder(join(path, name), found)
  else if (statSync(path).isFile()) found.set(path, readFileSync(path))
  return found
}

async function dumpsOf(t: TestContext, url: string, paths: readonly string[]): Promise<Map<string, Buffer>> {
  const backup = join(temporaryDirectory(t), 'backup')
  await backedUp(url, backup)
  const all = new Map([...paths, backup].flatMap((path) => [...filesUnder(path)]))
  return all.set('dump', Buffer.from(JSON.stringify(await rowsIn(url))))
}

function check({ secrets, known }: { secrets: Secrets; known: Uint8Array }, files: Map<string, Buffer>): void {
  assert.ok(secrets.size > 25, `${secrets.size}`)
  // The scan finds what is there: a sealed item, in the log of the database if nowhere else.
  assert.notDeepEqual(whereIs(known, files), [])
  for (const [name, value] of secrets) assert.deepEqual(whereIs(value, files), [], name)
}

test('no key, HELLO, identifier, token or code can be read in SQLite’s files, a dump or a backup (T-57, S4)', async (t) => {
  const keyFiles = memoryKeys()
  const path = join(temporaryDirectory(t), 'database')
  const url = `sqlite:${path}`
  const server = await backEndOn(t, url, keyFiles)
  const lived = await live(server, keyFiles)
  check(lived, await dumpsOf(t, url, [path, `${path}-wal`]))
})

test('no key, HELLO, identifier, token or code can be read in PostgreSQL’s files and log, a dump or a backup (T-57, S4)', {
  skip,
}, async (t) => {
  const keyFiles = memoryKeys()
  const url = await postgres.newDatabase()
  const server = await backEndOn(t, url, keyFiles)
  const lived = await live(server, keyFiles)
  await postgres.run(url, 'checkpoint')
  const data = join(new URL(url).searchParams.get('host')!, 'data')
  const files = await dumpsOf(t, url, [join(data, 'base'), join(data, 'pg_wal')])
  check(lived, files)
  assert.ok(
    whereIs(lived.known, files).some((file) => file.includes('pg_wal')),
    'the log was looked at',
  )
})

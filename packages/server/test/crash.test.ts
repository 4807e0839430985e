// Invariants I1 (no loss) and I2 (no double) of an upload under F1 and F2: the process dies at any moment, also between the
// commit and the answer, and the phone sends again what was not answered.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { drawBelow, toHex } from '@vicinity/protocol'
import { DEFAULT_SETTINGS, makeDeps } from '../src/deps.ts'
import { placeOfWindow } from '../src/flows/pool.ts'
import { processContacts } from '../src/flows/process-contacts.ts'
import { directoryKeys } from '../src/keys/key-files.ts'
import { openStore } from '../src/store/open.ts'
import {
  type BackEnd,
  backEnd,
  exposuresOf,
  type Phone,
  parametersOf,
  randomOf,
  registerPhone,
  SERVICE_START,
  temporaryDirectory,
} from './fixture.ts'
import { itemAt, packedExposure, REGISTRATION, uploadBytes, uploadTime } from './uploads.ts'

const ROUNDS = 8
const UPLOADS = 2400
/** Answered uploads that the phone sends again all the same. */
const REPEATED = 12

interface Scene {
  readonly server: BackEnd
  readonly phone: Phone
  readonly keys: string
  readonly uploads: string
  readonly indexOfItem: ReadonlyMap<string, number>
  readonly indexOfExposure: ReadonlyMap<string, number>
}

async function setTheScene(t: TestContext): Promise<Scene> {
  const directory = temporaryDirectory(t)
  const keys = join(directory, 'keys')
  const uploads = join(directory, 'uploads')
  const server = await backEnd(t, { at: REGISTRATION, keyFiles: directoryKeys(keys), parameters: { poolWindow: 0 } })
  const phone = await registerPhone(server, 'heard')
  writeFileSync(uploads, uploadBytes(server, phone, UPLOADS))
  // So that whoever opens the file next has to recover it.
  await server.deps.store.close()
  const indexes = Array.from({ length: UPLOADS }, (_, index) => index)
  return {
    server,
    phone,
    keys,
    uploads,
    indexOfItem: new Map(indexes.map((index) => [toHex(itemAt(server, phone, index)), index])),
    indexOfExposure: new Map(indexes.map((index) => [toHex(packedExposure(phone, index)), index])),
  }
}

/** Runs the child until it has answered `enough` uploads, kills it within the next ones, and gives all that it answered. */
async function runAndKill(scene: Scene, first: number, enough: number, milliseconds: number): Promise<number[]> {
  const script = new URL('uploading-child.ts', import.meta.url).pathname
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=@vicinity/source', script, scene.server.path, scene.keys, scene.uploads, String(first)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let said = ''
  let dying = false
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (dying || said.split('\n').length <= enough) return
    dying = true
    setTimeout(() => child.kill('SIGKILL'), milliseconds)
  })
  const [code, signal] = await once(child, 'close')
  assert.deepEqual([code, signal], [null, 'SIGKILL'], 'killed, and not ended by itself')
  return said.split('\n').slice(0, -1).map(Number)
}

/** Reads the database as a back-end that starts anew would: which uploads lie in the queue, which are applied. */
async function look(t: TestContext, scene: Scene) {
  const store = openStore(`sqlite:${scene.server.path}`)
  t.after(() => store.close().catch(() => {}))
  const settings = { ...DEFAULT_SETTINGS, serviceStart: SERVICE_START, parameters: parametersOf({ poolWindow: 0 }) }
  const deps = makeDeps({ store, keyFiles: directoryKeys(scene.keys), random: randomOf('look'), settings })
  const database = new DatabaseSync(scene.server.path, { readOnly: true })
  assert.equal(database.prepare('pragma integrity_check').get()?.['integrity_check'], 'ok')
  const rows = database.prepare('select window, body from item_queue').all()
  const spent = database.prepare('select count(*) as n from spent_token').get()?.['n']
  database.close()
  const queued = rows.map(({ window, body }) => {
    const key = deps.keys.knownIntakeKey(Number(window))
    return scene.indexOfItem.get(toHex(deps.keys.open(key, placeOfWindow(Number(window)), body as Uint8Array)))!
  })
  const lee = toHex(await exposuresOf({ ...scene.server, deps }, scene.phone.id))
  const applied = (lee.match(/.{8}/g) ?? []).map((packed) => scene.indexOfExposure.get(packed)!)
  return { deps, queued, applied, spent: Number(spent) }
}

const ascending = (indexes: Iterable<number>): number[] => [...indexes].sort((a, b) => a - b)

test('killed at random moments, a back-end loses no answered item and counts none twice (I1, I2, T-31)', async (t) => {
  const scene = await setTheScene(t)
  const random = randomOf('kill')
  const answered = new Set<number>()
  let next = 0
  for (let round = 0; round < ROUNDS; round++) {
    const said = await runAndKill(
      scene,
      Math.max(next - REPEATED, 0),
      10 + drawBelow(random, 150),
      drawBelow(random, 16),
    )
    for (const index of said) answered.add(index)
    while (answered.has(next)) next++
    const { deps, queued, applied, spent } = await look(t, scene)
    const held = [...queued, ...applied]
    assert.equal(new Set(held).size, held.length, 'no item is held twice')
    assert.equal(spent, held.length, 'a token is spent for each item, and for nothing else')
    assert.deepEqual(
      [...answered].filter((index) => !held.includes(index)),
      [],
      'no answered item is lost',
    )
    await deps.store.close()
  }
  const { deps } = await look(t, scene)
  await processContacts(deps, uploadTime(UPLOADS))
  const { applied, spent } = await look(t, scene)
  assert.equal(applied.length, spent)
  assert.deepEqual(ascending(new Set(applied)), ascending(applied))
  assert.deepEqual(
    ascending(answered).filter((index) => !applied.includes(index)),
    [],
  )
  t.diagnostic(`${answered.size} answered, ${spent} applied`)
})

// What was issued before a database is restored is good no more, and an old database is not served (T-71).
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fromHex, later, toHex } from '@vicinity/protocol'
import { CODE, solveChallenge } from '@vicinity/protocol/robert'
import { adopt } from '../src/backup/backup.ts'
import { placeOfStore } from '../src/backup/places.ts'
import { failingConditions } from '../src/conditions.ts'
import { DEFAULT_SETTINGS, type Deps, makeDeps } from '../src/deps.ts'
import { processContacts } from '../src/flows/process-contacts.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import { readToken, signToken } from '../src/flows/verification/tokens.ts'
import { generationOf, raiseGeneration } from '../src/keys/generation.ts'
import { directoryKeys, memoryKeys } from '../src/keys/key-files.ts'
import { KeyRing } from '../src/keys/key-ring.ts'
import { rotatingKeys } from '../src/keys/rotating-keys.ts'
import { serve, wallClock } from '../src/main.ts'
import { openStore } from '../src/store/open.ts'
import { markOf, openTombstones, tombstoneKey } from '../src/tombstones.ts'
import { backedUp, restored } from './backup-fixture.ts'
import {
  acknowledge,
  ask,
  askStatus,
  type BackEnd,
  backEnd,
  callOf,
  expose,
  itemOf,
  NOON,
  pass,
  randomOf,
  registerPhone,
  requestOf,
  TODAY,
  temporaryDirectory,
  withToken,
} from './fixture.ts'

const DAY = 86_400

/** A back-end; `lose` gives what its backup becomes, with the same keys and clock. */
async function start(t: TestContext) {
  const keyFiles = memoryKeys()
  const server = await backEnd(t, { keyFiles, parameters: { poolWindow: 0 } })
  const directory = temporaryDirectory(t)
  const path = join(directory, 'backup')
  const url = `sqlite:${join(directory, 'restored')}`
  const lose = async (): Promise<BackEnd> => {
    await restored(url, path, { keyFiles })
    const store = openStore(url)
    t.after(() => store.close())
    const deps = makeDeps({ store, keyFiles, random: randomOf('after'), settings: server.deps.settings })
    const way = (authorization?: string) => callOf(deps, () => server.clock.now, authorization)
    return {
      ...server,
      deps,
      path: join(directory, 'restored'),
      call: way(),
      asAuthority: way('Bearer token of the authority'),
    }
  }
  return { server, keyFiles, backUp: () => backedUp(`sqlite:${server.path}`, path), lose }
}

const counted = ({ deps }: { deps: Deps }, what: string) => deps.counts.get(what) ?? 0

test('a token issued before a restore is refused, and a new one accepted; none is spent twice (T-71)', async (t) => {
  const { server, backUp, lose } = await start(t)
  const phone = await registerPhone(server, 'phone')
  const tokenFor = (at: BackEnd, name: string) => withToken(at, itemOf(server, phone, NOON), TODAY, randomOf(name)(32))
  const [early, spent, unspent] = [tokenFor(server, 'early'), tokenFor(server, 'spent'), tokenFor(server, 'unspent')]
  await server.call('upload', early)
  await backUp()
  await server.call('upload', spent)
  const after = await lose()
  for (const old of [early, spent, unspent]) await after.call('upload', old)
  assert.deepEqual([counted(after, 'upload.tokenRefused'), counted(after, 'upload.queued')], [3, 0])
  await after.call('upload', tokenFor(after, 'unspent'))
  await after.call('upload', tokenFor(after, 'new'))
  // The code of before is still good for the items of before: what the backup knows as spent stays so.
  await after.call('upload', tokenFor(after, 'early'))
  assert.deepEqual([counted(after, 'upload.queued'), counted(after, 'upload.repeated')], [2, 1])
})

test('challenges and resets issued before a restore are refused, and new ones accepted (T-71)', async (t) => {
  const { server, backUp, lose } = await start(t)
  const phone = await registerPhone(server, 'phone')
  const publicKey = server.deps.keys.publicKey
  const { challenge } = await server.call('challenge', { publicKey })
  const { token } = await server.asAuthority('issueReset', { testedAt: NOON })
  await backUp()
  const after = await lose()
  const reset = (payload: Uint8Array) => ask(after, phone, requestOf(after, phone, CODE.reset, { payload }))
  await assert.rejects(
    after.call('register', { publicKey, challenge, solution: solveChallenge(challenge) }),
    /challengeForged/,
  )
  assert.equal(await reset(token), undefined)
  pass(server, 60)
  assert.equal((await reset((await after.asAuthority('issueReset', { testedAt: NOON })).token))?.kind, CODE.reset)
  await registerPhone(after, 'another')
})

test('who was warned in the lost day is warned again, and can acknowledge again (T-71, I5)', async (t) => {
  const { server, backUp, lose } = await start(t)
  const phone = await registerPhone(server, 'phone')
  await expose(server, phone, phone.list.first - 9)
  await backUp()
  const warned = await askStatus(server, phone)
  assert.equal(warned?.atRisk, true)
  await acknowledge(server, phone, warned!.replyId)
  pass(server, DAY)
  const after = await lose()
  await keepServerKeys(after.deps, server.clock.now)
  const again = await askStatus(after, phone)
  assert.equal(again?.atRisk, true)
  assert.equal((await acknowledge(after, phone, again!.replyId))?.kind, CODE.acknowledge)
})

test('days later, with the long-lived keys alone, nothing fails: who was known registers anew, and is served (F19)', async (t) => {
  const { server, keyFiles, backUp, lose } = await start(t)
  const phone = await registerPhone(server, 'phone')
  await server.call('upload', withToken(server, itemOf(server, phone, NOON), TODAY))
  await backUp()
  for (const name of keyFiles.names().filter((kept) => /^(?:server-key|intake)-/.test(kept))) keyFiles.remove(name)
  pass(server, 5 * DAY)
  const after = await lose()
  await keepServerKeys(after.deps, server.clock.now)
  await processContacts(after.deps, server.clock.now)
  assert.deepEqual(await after.deps.store.transaction((tx) => tx.queuedWindows()), [])
  assert.deepEqual(await failingConditions(after.deps, server.clock.now), [])
  const request = requestOf(server, phone, CODE.status, { at: NOON })
  assert.equal(await ask(after, phone, request), undefined)
  const anew = await registerPhone(after, 'phone, anew')
  assert.equal((await askStatus(after, anew))?.atRisk, false)
})

test('tokens of verification codes are refused after a restore; certificates and codes stand for themselves (T-71)', async (t) => {
  const { server, keyFiles, backUp, lose } = await start(t)
  const subject = { testType: 'confirmed', symptomDay: undefined, testDay: undefined } as const
  const token = signToken(server.deps, 'id', subject, NOON)
  assert.equal(readToken(server.deps, token, NOON).ok, true)
  await backUp()
  const before = rotatingKeys(keyFiles, randomOf('rotating'))
  const families = ['certificate', 'token', 'code', 'revision'] as const
  const kids = (keys: typeof before) => families.map((family) => keys.current(family, NOON).kid)
  const earlier = kids(before)
  const after = await lose()
  assert.deepEqual(readToken(after.deps, token, NOON), { ok: false, reason: 'tokenInvalid' })
  assert.equal(readToken(after.deps, signToken(after.deps, 'id', subject, NOON), NOON).ok, true)
  const now = kids(after.deps.rotatingKeys)
  assert.deepEqual(
    families.filter((_, k) => now[k] !== earlier[k]),
    ['token'],
  )
})

test('the first generation has the keys as they lie in the files; each further one has others, the same for everybody', () => {
  const keyFiles = memoryKeys()
  const names = ['issuerKey', 'challengeKey', 'resetKey', 'replyKey', 'federationKey', 'drawKey'] as const
  const keysNow = () => {
    const ring = new KeyRing(keyFiles, randomOf('ring'))
    return Object.fromEntries(names.map((name) => [name, toHex(ring[name])]))
  }
  const first = keysNow()
  for (const [name, file] of [
    ['issuerKey', 'issuer'],
    ['challengeKey', 'challenge'],
    ['resetKey', 'reset'],
  ] as const) {
    assert.deepEqual(fromHex(first[name]!, name), Uint8Array.from(keyFiles.read(file)!))
  }
  const seen = [first]
  for (const generation of [1, 2, 300]) {
    raiseGeneration(keyFiles, generation)
    assert.equal(generationOf(keyFiles), generation)
    assert.deepEqual(keysNow(), keysNow())
    seen.push(keysNow())
  }
  for (const name of names) {
    const values = new Set(seen.map((keys) => keys[name]))
    assert.equal(values.size, /issuer|challenge|reset/.test(name) ? seen.length : 1, name)
  }
})

test('a database that is not of the generation of its keys is not served, and says what to do; adopt takes it (T-71)', async (t) => {
  const directory = temporaryDirectory(t)
  const url = `sqlite:${join(directory, 'database')}`
  const departed = join(directory, 'departed')
  const keys = join(directory, 'keys')
  const options = { settings: DEFAULT_SETTINGS, store: url, keys, departed, host: '127.0.0.1', port: 0, threads: 0 }
  const running = await serve(options)
  const [stays, leaves] = [1, 2]
  const user = (id: number) => ({ id, authenticationKey: new Uint8Array(60), encryptionKey: new Uint8Array(60) })
  await running.deps.store.transaction(async (tx) => {
    for (const id of [stays, leaves]) await tx.addUser(user(id))
  })
  await running.close()
  const keyFiles = directoryKeys(keys)
  const tombstones = await openTombstones({
    directory: departed,
    key: tombstoneKey(keyFiles, randomOf('unused')),
    random: randomOf('names'),
    days: 21,
    at: NOON,
  })
  await tombstones.record([markOf(tombstoneKey(keyFiles, randomOf('unused')), leaves)])
  await tombstones.close()
  raiseGeneration(keyFiles, 3)
  await assert.rejects(
    serve(options),
    /of generation 0, the key directory of generation 3.*store restore.*store adopt/s,
  )
  const store = openStore(url)
  const taken = await adopt({
    place: placeOfStore(url),
    store,
    keyFiles,
    departed: [departed],
    at: wallClock(),
    before: () => {},
  })
  assert.deepEqual(taken, { generation: 4, left: 1 })
  const left = await store.transaction((tx) => tx.usersOf([stays, leaves]))
  assert.deepEqual([...left.keys()], [stays])
  await store.close()
  const again = await serve(options)
  assert.equal(again.deps.keys.generation, 4)
  await again.close()
})

test('a database that is a day older than the newest file of marks is an old copy, and is not served until it is adopted (T-71)', async (t) => {
  const directory = temporaryDirectory(t)
  const url = `sqlite:${join(directory, 'database')}`
  const departed = join(directory, 'departed')
  const clock = { now: wallClock() }
  const clocks = { wall: () => clock.now, monotonic: () => clock.now }
  const keys = join(directory, 'keys')
  const options = {
    settings: DEFAULT_SETTINGS,
    store: url,
    keys,
    departed,
    clocks,
    host: '127.0.0.1',
    port: 0,
    threads: 0,
  }
  const served = async () => (await serve(options)).close()
  await served()
  copyFileSync(join(directory, 'database'), join(directory, 'copy'))
  await served()
  clock.now = later(clock.now, DAY)
  await served()
  copyFileSync(join(directory, 'copy'), join(directory, 'database'))
  const old = /the database is older than the newest marks of who left: this is not the database that was served last/
  await assert.rejects(serve(options), old)
  // Nor does it start on another day, or after another try.
  clock.now = later(clock.now, DAY)
  await assert.rejects(serve(options), old)
  const store = openStore(url)
  await adopt({
    place: placeOfStore(url),
    store,
    keyFiles: directoryKeys(keys),
    departed: [departed],
    at: clock.now,
    before: () => {},
  })
  await store.close()
  await served()
})

test('a process that runs on while its database is restored is not ready any more (T-71)', async (t) => {
  const { server } = await start(t)
  assert.deepEqual(await failingConditions(server.deps, NOON), [])
  await server.deps.store.transaction((tx) => tx.setGeneration(1))
  assert.deepEqual(await failingConditions(server.deps, NOON), ['generation'])
})

test('a new database in the place of one that is lost is refused before anything is written to it', async (t) => {
  const directory = temporaryDirectory(t)
  const keys = join(directory, 'keys')
  raiseGeneration(directoryKeys(keys), 1)
  const url = `sqlite:${join(directory, 'database')}`
  const options = { settings: DEFAULT_SETTINGS, store: url, keys, host: '127.0.0.1', port: 0, threads: 0 }
  await assert.rejects(serve(options), /this is not the database that was served last/)
  const target = await placeOfStore(url).target()
  assert.equal(await target.isEmpty(), true)
  await target.close()
})

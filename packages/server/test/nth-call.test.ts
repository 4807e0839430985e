// F17: the n-th call of the store fails, for n = 1, 2, 3 … until a run has none. Whoever got no answer asks again, with the same bytes.
// Afterwards nothing that was answered is lost, nothing counts twice, and everything went through at the second time.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { DAY_SECONDS, dayOf, epochAt, later, toHex, type UnixSeconds } from '@vicinity/protocol'
import { CODE, openReply, packExposure } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS, makeDeps } from '../src/deps.ts'
import { statusOf } from '../src/dispatch.ts'
import { memoryFiles } from '../src/export-files.ts'
import { authenticatedRequests } from '../src/flows/authenticated-requests.ts'
import { exportKeys } from '../src/flows/key-server/export.ts'
import { processContacts } from '../src/flows/process-contacts.ts'
import { purge } from '../src/flows/purge.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import { upload } from '../src/flows/upload.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import { openStore } from '../src/store/open.ts'
import { NOBODY, type Store } from '../src/store/store.ts'
import { type Failure, failingStore } from './failing-store.ts'
import {
  type BackEnd,
  callOf,
  itemOf,
  NOON,
  type Phone,
  parametersOf,
  pass,
  randomOf,
  registerPhone,
  requestOf,
  SERVICE_START,
  withToken,
} from './fixture.ts'
import {
  hexOf,
  hexOfPhoneKey,
  type KeyServer,
  keysIn,
  listedExports,
  phoneKeys,
  publishBody,
  send,
} from './key-server-fixture.ts'
import { throwawayDatabases } from './postgres-fixture.ts'

const FAILURES: readonly Failure[] = ['verb', 'commit', 'answer']
const WINDOW = 6 * 3600

const postgres = await throwawayDatabases(after)
const ENGINES = [
  { name: 'sqlite in memory', open: async () => openStore('sqlite::memory:'), without: false as const },
  { name: 'postgres', open: async () => openStore(await postgres.newDatabase()), without: postgres.without },
]

/** Lives through one life with each call failing in turn: how often one did. */
async function livesWithFailures(
  open: () => Promise<Store>,
  failure: Failure,
  life: (store: Store, again: Again) => Promise<void>,
): Promise<number> {
  for (let n = 1; ; n++) {
    const store = await open()
    const failing = failingStore(store, n, failure)
    let failures = 0
    await life(failing, async (step) => {
      try {
        return await step()
      } catch (error) {
        assert.equal(statusOf(error).status, 503, `${failure} ${n}: ${String(error)}`)
        failures++
      }
      return step()
    })
    await store.close()
    if (!failing.failed()) return n - 1
    assert.equal(failures, 1, `${failure} ${n} was told to nobody`)
  }
}

/** Does something, and a second time where it failed. */
type Again = <Result>(step: () => Promise<Result>) => Promise<Result>

function backEndOn(store: Store): BackEnd {
  const settings = {
    ...DEFAULT_SETTINGS,
    serviceStart: SERVICE_START,
    parameters: parametersOf({ poolWindow: WINDOW }),
  }
  const deps = makeDeps({ store, keyFiles: memoryKeys(), random: randomOf('n-th call'), settings })
  const clock = { now: NOON }
  const call = callOf(deps, () => clock.now)
  const made: BackEnd = { deps, clock, path: '', statements: [], call, asAuthority: call, with: () => made }
  return made
}

/** Asks, and again with the same bytes: the reply that the phone can open. */
async function asks(server: BackEnd, phone: Phone, request: Uint8Array, again: Again) {
  const [reply] = await again(() => authenticatedRequests(server.deps, [request], server.clock.now))
  return openReply(phone.keys.encryptionKey, reply!)
}

/** Two phones register; one is heard for fifteen minutes, warned, and acknowledges; the other leaves; then all is purged. */
async function lifeOfRobert(store: Store, again: Again): Promise<void> {
  const server = backEndOn(store)
  const { deps } = server
  await again(() => keepServerKeys(deps, NOON))
  const heard = await again(() => registerPhone(server, 'heard'))
  const leaver = await again(() => registerPhone(server, 'leaver'))
  const read = () => store.transaction((tx) => tx.usersOf([heard.id, leaver.id]))
  const times = [0, 300, 600].map((seconds) => later(NOON, seconds))
  for (const [n, at] of times.entries()) {
    const input = withToken(server, itemOf(server, heard, at), dayOf(at), randomOf(`token ${n}`)(32))
    pass(server, 300)
    await again(() => upload(deps, input, server.clock.now))
    // Its answer was lost: the phone cannot know.
    await again(() => upload(deps, input, server.clock.now))
  }
  pass(server, WINDOW)
  await again(() => processContacts(deps, server.clock.now))
  const epoch = epochAt(deps.calendar, NOON)
  const expected = times.map((_, slot) => toHex(packExposure({ epoch, slot, weight: 50 }))).sort()
  assert.deepEqual(
    toHex((await again(read)).get(heard.id)!.exposedEpochs)
      .match(/.{8}/g)
      ?.sort(),
    expected,
  )
  const status = await asks(server, heard, requestOf(server, heard, CODE.status), again)
  assert.equal(status?.atRisk, true)
  const payload = status!.replyId
  await asks(server, heard, requestOf(server, heard, CODE.acknowledge, { payload }), again)
  await asks(server, leaver, requestOf(server, leaver, CODE.unregister), again)
  const users = await again(read)
  assert.deepEqual([...users.keys()], [heard.id])
  assert.equal(users.get(heard.id)!.status.notified, 'acknowledged')
  assert.equal((await again(() => store.transaction((tx) => tx.queueState()))).items, 0)
  pass(server, 15 * DAY_SECONDS)
  await again(() => purge(deps, server.clock.now))
  assert.deepEqual(await again(() => store.transaction((tx) => tx.exposuresAfter(NOBODY, 9))), [])
}

/** A phone publishes its keys; they are exported; two weeks later all is forgotten. */
async function lifeOfKeyServer(store: Store, again: Again): Promise<void> {
  const { gaen } = DEFAULT_SETTINGS
  const exports = { ...gaen.keyServer.exports, padding: { level: 1, onsetDays: 1 }, mostKeys: 100 }
  const files = memoryFiles()
  const deps = makeDeps({
    store,
    keyFiles: memoryKeys(),
    random: randomOf('n-th call'),
    settings: {
      ...DEFAULT_SETTINGS,
      serviceStart: SERVICE_START,
      parameters: parametersOf(),
      gaen: { ...gaen, keyServer: { ...gaen.keyServer, exports } },
    },
    exportFiles: files,
  })
  const server: KeyServer = { deps, clock: { now: NOON }, files, statements: [], random: randomOf('phone') }
  const keys = phoneKeys(server, 5)
  const body = publishBody(server, keys)
  // As deployed, a server that has the keys already asks for the token that its lost answer held: the phone need not send them again.
  const { status, code } = await again(() => send(server, body))
  assert.ok(status === 200 || code === 'missing_revision_token', `${status} ${code}`)
  const exportAt = async (hours: number) => {
    server.clock.now = (NOON + hours * 3600) as UnixSeconds
    await again(() => exportKeys(deps, server.clock.now))
    return (await listedExports(server)).flatMap((file) => keysIn(file)).map(hexOf)
  }
  const exported = await exportAt(7)
  const names = keys.map(hexOfPhoneKey)
  assert.deepEqual(exported.filter((key) => names.includes(key)).sort(), names.toSorted())
  assert.equal(new Set(exported).size, exported.length)
  const late = (NOON + 16 * DAY_SECONDS) as UnixSeconds
  await again(() => exportKeys({ ...deps, exportFiles: undefined }, late))
  assert.equal(await again(() => store.transaction((tx) => tx.oldestRelease())), undefined)
}

for (const { name, open, without: skip } of ENGINES) {
  for (const failure of FAILURES) {
    const called = { verb: 'verb', commit: 'commit', answer: 'answer to a commit that was done' }[failure]
    test(`${name}: the first, second, third … ${called} fails: no phone of ROBERT loses anything or counts twice (F17, I1, I2)`, {
      skip,
    }, async (t) => {
      const failed = await livesWithFailures(open, failure, lifeOfRobert)
      assert.ok(failed > 15, `${failed}`)
      t.diagnostic(`${failed} calls failed in turn`)
    })
    test(`${name}: the first, second, third … ${called} fails: each published key is exported once (F17)`, {
      skip,
    }, async (t) => {
      const failed = await livesWithFailures(open, failure, lifeOfKeyServer)
      assert.ok(failed >= 10, `${failed}`)
      t.diagnostic(`${failed} calls failed in turn`)
    })
  }
}

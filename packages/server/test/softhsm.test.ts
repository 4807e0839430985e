// A back-end whose keys lie in a token, over real HTTP: registration, rotation, restart.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { api, dayOf, toHex } from '@vicinity/protocol'
import { ecdsaVerify } from '@vicinity/protocol/crypto'
import { CODE, openReply, renewPayload, withParameters } from '@vicinity/protocol/robert'
import { headsPath } from '../src/audit/file-log.ts'
import { verifyLog } from '../src/audit/verify.ts'
import { backUp, restore } from '../src/backup/backup.ts'
import { placeOfStore } from '../src/backup/places.ts'
import { DEFAULT_SETTINGS } from '../src/deps.ts'
import { resealKeys } from '../src/flows/reseal-keys.ts'
import { backupKey } from '../src/keys/backup-key.ts'
import { makeKeys, missingKeys, rotateKey } from '../src/keys/ceremony.ts'
import { directoryKeys, type KeyFiles } from '../src/keys/key-files.ts'
import { openKeys, plainNames, wrappedKeys } from '../src/keys/wrapped-keys.ts'
import { type Running, serve, wallClock } from '../src/main.ts'
import { NOBODY } from '../src/store/store.ts'
import { tokenVault } from '../src/vault/pkcs11.ts'
import { type Vault, VaultError } from '../src/vault/vault.ts'
import { ceremonyWorld, planOf } from './ceremony-fixture.ts'
import { type BackEnd, type Phone, registerPhone, requestOf, temporaryDirectory } from './fixture.ts'
import { PIN, softHsm, withoutToken } from './softhsm.ts'

const skip = withoutToken

type Call = BackEnd['call']

/** The endpoint table over the network. */
const callOver =
  (url: string): Call =>
  async (name, request) => {
    const { method, path } = api[name]
    const answer = await fetch(`${url}${path}`, {
      method,
      ...(method === 'POST' && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(api[name].request.encode(request as never)),
      }),
    })
    assert.equal(answer.status, 200, `${name}: ${await answer.clone().text()}`)
    return api[name].response.decode(await answer.json(), 'body') as never
  }

async function started(t: TestContext, directory: string, vault: Vault): Promise<Running & { readonly call: Call }> {
  const running = await serve({
    settings: { ...DEFAULT_SETTINGS, parameters: withParameters({ proofOfWork: 0 }) },
    store: `sqlite:${join(directory, 'database')}`,
    keys: join(directory, 'keys'),
    vault,
    audit: join(directory, 'audit.log'),
    exports: join(directory, 'exports'),
    departed: join(directory, 'departed'),
    host: '127.0.0.1',
    port: 0,
    threads: 0,
  })
  t.after(() => running.close().catch(() => {}))
  return { ...running, call: callOver(running.url) }
}

/** By a renewal: unlike the status it may be asked for at any time. */
const isServed = async ({ deps, call }: Pick<BackEnd, 'deps' | 'call'>, phone: Phone): Promise<boolean> => {
  const server = { deps, call, clock: { now: wallClock() } } as unknown as BackEnd
  const { reply } = await call('request', {
    request: requestOf(server, phone, CODE.renew, { payload: renewPayload(phone.list.first) }),
  })
  return openReply(phone.keys.encryptionKey, reply) !== undefined
}

/** The database is lost; a backup of it, sealed under a key that the token wraps, brings everybody back. */
async function losesDatabase(t: TestContext, directory: string, open: () => Vault, phones: readonly Phone[]) {
  const database = `sqlite:${join(directory, 'database')}`
  const keyFiles = openKeys(join(directory, 'keys'), open())
  const sealed = {
    place: placeOfStore(database),
    path: join(directory, 'backup'),
    key: backupKey(keyFiles, randomBytes),
  }
  const tools = { at: wallClock(), progress: () => {} }
  assert.equal((await backUp({ ...sealed, ...tools, random: randomBytes })).rows['user_key'], 5)
  for (const name of readdirSync(directory)) if (name.startsWith('database')) rmSync(join(directory, name))
  const departed = { departed: [join(directory, 'departed')], days: 21 }
  await restore({ ...sealed, ...tools, ...departed, keyFiles, before: () => {} })
  const third = await started(t, directory, open())
  assert.equal(third.deps.keys.generation, 1)
  for (const phone of phones) assert.ok(await isServed(third, phone))
  await registerPhone(third, 'six')
  await third.close()
}

/** What lies on the disk opens nothing: no key of the files is among its bytes. */
function scanDisk(directory: string, keys: KeyFiles, files: KeyFiles): void {
  const secrets = files
    .names()
    .filter((name) => !name.startsWith('generation'))
    .map((name) => keys.read(name)!)
  const disk = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
  assert.ok(secrets.length > 15 && disk.length > secrets.length)
  for (const secret of secrets) assert.ok(!disk.some((bytes) => bytes.includes(secret)))
  assert.ok(
    disk.some((bytes) => bytes.includes(files.read('vault-2')!)),
    'the scan finds what is there',
  )
}

test('with a token: phones register and are served, keys rotate, and all goes on after a restart and a restore (T-57)', {
  skip,
}, async (t) => {
  const directory = temporaryDirectory(t)
  const { place } = softHsm()
  const open = () => tokenVault(place, PIN, (length) => randomBytes(length), wallClock)
  const files = directoryKeys(join(directory, 'keys'))
  const plan = planOf()

  // Without keys nothing starts, and what starts makes none in the token.
  await assert.rejects(started(t, directory, open()), VaultError)
  assert.deepEqual(open().names(), [])

  const world = { ...ceremonyWorld({ vault: open(), files }), at: wallClock() }
  makeKeys(world, plan, { adopt: false })
  assert.deepEqual(missingKeys(world, plan), [])
  assert.deepEqual(plainNames(files), [])

  const first = await started(t, directory, open())
  assert.equal(toHex(first.deps.keys.publicKey), toHex(world.vault.publicPoint('registration')))
  const phones = [await registerPhone(first, 'one'), await registerPhone(first, 'two')]
  for (const phone of phones) assert.ok(await isServed(first, phone))

  // Rotation, while it serves.
  assert.equal(rotateKey(world, plan, 'data'), 'vault-2')
  first.deps.keys.learn()
  phones.push(await registerPhone(first, 'three'))
  await resealKeys(first.deps, wallClock())
  assert.deepEqual(await first.deps.store.transaction((tx) => tx.keysNotUnder(2, NOBODY, 9)), [])
  assert.equal(rotateKey(world, plan, 'key-encryption'), 'key-encryption-2')
  world.vault.destroy('key-encryption')
  phones.push(await registerPhone(first, 'four'))
  for (const phone of phones) assert.ok(await isServed(first, phone))
  await first.close()

  const second = await started(t, directory, open())
  for (const phone of phones) assert.ok(await isServed(second, phone))
  await registerPhone(second, 'five')
  assert.notEqual(second.deps.keys.serverKeyOf(dayOf(wallClock())), undefined)
  const message = randomBytes(100)
  assert.ok(
    ecdsaVerify(second.deps.gaenKeys.exportPoint('v1'), message, second.deps.gaenKeys.signExport('v1', message)),
  )
  await second.close()

  await losesDatabase(t, directory, open, phones)

  // The log was signed by the token, before and after.
  const path = join(directory, 'audit.log')
  const verdict = verifyLog(
    { log: readFileSync(path), heads: readFileSync(headsPath(path)) },
    { key: open().publicPoint('audit') },
  )
  assert.equal(verdict.fault, undefined)

  scanDisk(directory, wrappedKeys(files, open()), files)
})

test('a token that fails answers 503 and tells nothing of itself; when it is back, registration goes on', {
  skip,
}, async (t) => {
  const directory = temporaryDirectory(t)
  const { place } = softHsm()
  const vault = tokenVault(place, PIN, (length) => randomBytes(length), wallClock)
  const world = { ...ceremonyWorld({ vault, files: directoryKeys(join(directory, 'keys')) }), at: wallClock() }
  makeKeys(world, planOf(), { adopt: false })
  let failing = false
  const unlessFailing = <Value>(run: () => Value): Value => {
    if (failing) throw new VaultError('failed', 'the token answered CKR_DEVICE_ERROR')
    return run()
  }
  const flaky: Vault = {
    ...vault,
    agree: (name, point) => unlessFailing(() => vault.agree(name, point)),
    names: () => unlessFailing(vault.names),
  }
  const running = await started(t, directory, flaky)
  assert.equal((await fetch(`${running.url}${api.ready.path}`)).status, 200)
  failing = true
  const unready = await fetch(`${running.url}${api.ready.path}`)
  assert.deepEqual([unready.status, (await unready.text()).includes('vault')], [503, true])
  const answers: [number, unknown][] = []
  const watched: Call = async (name, request) => {
    const { path } = api[name]
    if (name !== 'register') return running.call(name, request)
    const body = JSON.stringify(api[name].request.encode(request as never))
    const answer = await fetch(`${running.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    answers.push([answer.status, await answer.json()])
    throw new Error('refused')
  }
  await assert.rejects(registerPhone({ deps: running.deps, call: watched }, 'phone'), /refused/)
  assert.deepEqual(answers, [[503, { error: 'vault' }]])
  failing = false
  const phone = await registerPhone(running, 'phone')
  assert.ok(await isServed(running, phone))
})

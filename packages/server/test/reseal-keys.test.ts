// A new data key: users’ keys move to it in pages, both versions open meanwhile, and the old one ends when nothing needs it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_SECONDS, toHex } from '@vicinity/protocol'
import { resealKeys } from '../src/flows/reseal-keys.ts'
import { type KeyFiles, memoryKeys } from '../src/keys/key-files.ts'
import { NOBODY } from '../src/store/store.ts'
import { askStatus, backEnd, NOON, pass, randomOf, registerPhone } from './fixture.ts'

/** Key files in memory that know when each was made. */
function datedKeys(now: () => number): KeyFiles {
  const [files, made] = [memoryKeys(), new Map<string, number>()]
  return {
    ...files,
    create(name, bytes) {
      if (files.read(name) === undefined) made.set(name, now())
      return files.create(name, bytes)
    },
    madeAt: (name) => made.get(name),
  }
}

async function rotating(t: Parameters<typeof backEnd>[0]) {
  const clock = { now: NOON as number }
  const keyFiles = datedKeys(() => clock.now)
  const server = await backEnd(t, { keyFiles })
  const phones = []
  for (const name of ['one', 'two', 'three']) phones.push(await registerPhone(server, name))
  const rotate = (version: number) => keyFiles.create(`vault-${version}`, randomOf(`data key ${version}`)(32))
  const left = async (version: number) =>
    (await server.deps.store.transaction((tx) => tx.keysNotUnder(version, NOBODY, 100))).length
  const goOn = (seconds: number) => {
    pass(server, seconds)
    clock.now = server.clock.now
  }
  return { server, phones, keyFiles, rotate, left, goOn }
}

test('after a rotation new users are under the new data key, the others follow, and every key opens all the time', async (t) => {
  const { server, phones, keyFiles, rotate, left, goOn } = await rotating(t)
  rotate(2)
  server.deps.keys.learn()
  phones.push(await registerPhone(server, 'four'))
  assert.equal(await left(2), 3, 'who registers now is under the new key')
  for (const phone of phones) assert.notEqual(await askStatus(server, phone), undefined)
  goOn(DAY_SECONDS)
  await resealKeys(server.deps, server.clock.now)
  assert.equal(await left(2), 0)
  assert.equal(server.deps.counts.get('keys.resealed'), 3)
  for (const phone of phones) assert.notEqual(await askStatus(server, phone), undefined)
  // Backups of before are still to be restored: their rows are under the old key.
  goOn(20 * DAY_SECONDS)
  await resealKeys(server.deps, server.clock.now)
  assert.notEqual(keyFiles.read('vault'), undefined)
  goOn(2 * DAY_SECONDS)
  await resealKeys(server.deps, server.clock.now)
  assert.equal(keyFiles.read('vault'), undefined)
  assert.deepEqual(server.deps.keys.dataVersions, [2])
  const [user] = [...(await server.deps.store.transaction((tx) => tx.usersOf([phones[0]!.id]))).values()]
  const opened = server.deps.open('authentication', phones[0]!.id, user!.authenticationKey)
  assert.equal(toHex(opened), toHex(phones[0]!.keys.authenticationKey))
})

test('sealing anew that is stopped after a page goes on where it was, and destroys nothing', async (t) => {
  const { server, phones, keyFiles, rotate, left, goOn } = await rotating(t)
  rotate(2)
  goOn(40 * DAY_SECONDS)
  const stop = new AbortController()
  let transactions = 0
  const store: typeof server.deps.store = {
    ...server.deps.store,
    transaction: async (run) => {
      if (++transactions === 2) throw new Error('the process died')
      return server.deps.store.transaction((tx) =>
        run({ ...tx, keysNotUnder: (version, after) => tx.keysNotUnder(version, after, 2) }),
      )
    },
  }
  await assert.rejects(resealKeys({ ...server.deps, store, stopping: stop.signal }, server.clock.now), /died/)
  assert.equal(await left(2), 1)
  assert.notEqual(keyFiles.read('vault'), undefined)
  for (const phone of phones) {
    const users = await server.deps.store.transaction((tx) => tx.usersOf([phone.id]))
    server.deps.open('encryption', phone.id, users.get(phone.id)!.encryptionKey)
  }
  await resealKeys(server.deps, server.clock.now)
  assert.equal(await left(2), 0)
  assert.notEqual(keyFiles.read('vault'), undefined, 'a run that still found some does not destroy')
  await resealKeys(server.deps, server.clock.now)
  assert.equal(keyFiles.read('vault'), undefined)
})

test('a row that somebody altered is counted, stays, and holds up neither the others nor the end of the old key', async (t) => {
  const { server, phones, keyFiles, rotate, left, goOn } = await rotating(t)
  await server.deps.store.transaction(async (tx) => {
    const [from] = (await tx.keysNotUnder(9, NOBODY, 100)).filter(({ id }) => id === phones[1]!.id)
    await tx.replaceKeys([{ from: from!, to: { ...from!, encryptionKey: from!.authenticationKey } }])
  })
  rotate(2)
  goOn(30 * DAY_SECONDS)
  await resealKeys(server.deps, server.clock.now)
  await resealKeys(server.deps, server.clock.now)
  assert.equal(await left(2), 1)
  assert.equal(server.deps.counts.get('store.userAltered'), 2)
  assert.equal(keyFiles.read('vault'), undefined)
})

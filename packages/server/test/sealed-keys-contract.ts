// How the keys of users change their data key, on every engine.
import assert from 'node:assert/strict'
import { concat, toHex } from '@vicinity/protocol'
import { NOBODY, type Store } from '../src/store/store.ts'
import { randomOf } from './fixture.ts'

const random = randomOf('sealed keys')
const keysOf = (id: number, version: number) => ({
  id,
  authenticationKey: concat(Uint8Array.of(version), random(60)),
  encryptionKey: concat(Uint8Array.of(version), random(60)),
})
const IDS = [0, 1, 255, 2 ** 39, 2 ** 39 + 1, 2 ** 40 - 1]

async function filled(store: Store, version = 1) {
  const rows = IDS.map((id) => keysOf(id, version))
  await store.transaction(async (tx) => {
    for (const row of rows) await tx.addUser(row)
  })
  return rows
}
const idsNotUnder = async (store: Store, version: number, after = NOBODY, limit = 100) =>
  (await store.transaction((tx) => tx.keysNotUnder(version, after, limit))).map(({ id }) => id)

export const sealedKeys: Record<string, (store: Store) => Promise<void>> = {
  'keys that are not under a version come in pages, ascending, each once': async (store) => {
    const rows = await filled(store)
    assert.deepEqual(await idsNotUnder(store, 1), [])
    assert.deepEqual(await idsNotUnder(store, 2), IDS)
    assert.deepEqual(await idsNotUnder(store, 2, NOBODY, 2), IDS.slice(0, 2))
    assert.deepEqual(await idsNotUnder(store, 2, 1, 3), IDS.slice(2, 5))
    assert.deepEqual(await idsNotUnder(store, 2, 2 ** 40 - 1), [])
    const [first] = await store.transaction((tx) => tx.keysNotUnder(2, NOBODY, 1))
    assert.equal(toHex(first!.authenticationKey), toHex(rows[0]!.authenticationKey))
    assert.equal(toHex(first!.encryptionKey), toHex(rows[0]!.encryptionKey))
  },
  'a user of whom one key is under another version is not under it': async (store) => {
    const [mixed] = [keysOf(7, 2)]
    await store.transaction((tx) => tx.addUser({ ...mixed!, encryptionKey: keysOf(7, 1).encryptionKey }))
    await store.transaction((tx) =>
      tx.addUser({ ...keysOf(8, 2), authenticationKey: keysOf(8, 255).authenticationKey }),
    )
    assert.deepEqual(await idsNotUnder(store, 2), [7, 8])
  },
  'keys are replaced where they are still what they were, and nobody else’s': async (store) => {
    const rows = await filled(store)
    const [changed, stale] = [rows[3]!, rows[1]!]
    await store.transaction((tx) =>
      tx.replaceKeys([
        { from: changed, to: keysOf(changed.id, 2) },
        { from: { ...stale, encryptionKey: random(61) }, to: keysOf(stale.id, 2) },
        { from: keysOf(12345, 1), to: keysOf(12345, 2) },
      ]),
    )
    assert.deepEqual(
      await idsNotUnder(store, 2),
      IDS.filter((id) => id !== changed.id),
    )
    const users = await store.transaction((tx) => tx.usersOf(IDS))
    assert.equal(users.size, IDS.length)
    assert.equal(users.get(changed.id)!.authenticationKey[0], 2)
    assert.equal(toHex(users.get(stale.id)!.authenticationKey), toHex(stale.authenticationKey))
  },
}

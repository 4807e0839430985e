// Keys of users in the store: each under a data key, for its place and no other.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { ascii, concat, DAY_SECONDS } from '@vicinity/protocol'
import { gcmOpen, gcmSeal } from '@vicinity/protocol/crypto'
import { processContacts } from '../src/flows/process-contacts.ts'
import { openUserKey, SEALED_KEY, sealUserKey, type UserKey } from '../src/keys/sealed.ts'
import {
  askStatus,
  backEnd,
  exposuresOf,
  itemOf,
  NOON,
  pass,
  randomOf,
  registerPhone,
  TODAY,
  withToken,
} from './fixture.ts'

const DATA = { version: 1, key: randomOf('data key')(32) }
const KEY = randomOf('a key of a user')(32)
const random = randomOf('sealing')
const open = (which: UserKey, id: number, sealed: Uint8Array) =>
  openUserKey((version) => (version === DATA.version ? DATA.key : undefined), which, id, sealed)

test('a key of a user opens in its row, its column and its table, under its version, and nowhere else', () => {
  const sealed = sealUserKey(DATA, 'authentication', 7, KEY, random)
  assert.equal(sealed.length, SEALED_KEY)
  assert.deepEqual([...open('authentication', 7, sealed)!], [...KEY])
  assert.equal(open('authentication', 8, sealed), undefined, 'another row')
  assert.equal(open('authentication', 7 + 2 ** 32, sealed), undefined, 'a row that differs beyond 32 bits')
  assert.equal(open('encryption', 7, sealed), undefined, 'another column')
  assert.equal(open('authentication', 7, concat(Uint8Array.of(2), sealed.subarray(1))), undefined, 'another version')
  const everywhere = () => DATA.key
  const renamed = concat(Uint8Array.of(2), sealed.subarray(1))
  assert.equal(openUserKey(everywhere, 'authentication', 7, renamed), undefined, 'a version that was altered')
  for (let length = 0; length < sealed.length; length++)
    assert.equal(open('authentication', 7, sealed.subarray(0, length)), undefined)
  // What is sealed names its table: the same row and column of another one is another place.
  const place = (table: string) => concat(ascii(`${table}.authentication_key`), Uint8Array.of(1, 0, 0, 0, 0, 0, 7))
  const [iv, body] = [sealed.subarray(1, 13), sealed.subarray(13)]
  assert.deepEqual([...gcmOpen(DATA.key, iv, body, place('user_key'))!], [...KEY])
  assert.equal(gcmOpen(DATA.key, iv, body, place('user_status')), undefined)
  const elsewhere = concat(Uint8Array.of(1), iv, gcmSeal(DATA.key, iv, KEY, place('user_status')))
  assert.equal(open('authentication', 7, elsewhere), undefined)
})

test('keys that somebody moved between rows and columns of the database are nobody’s: no reply opens, no exposure counts', async (t) => {
  const server = await backEnd(t, { parameters: { poolWindow: 0 } })
  const [mallory, victim] = [await registerPhone(server, 'mallory'), await registerPhone(server, 'victim')]
  const database = new DatabaseSync(server.path)
  const { authentication_key, encryption_key } = database
    .prepare('select authentication_key, encryption_key from user_key where id = ?')
    .get(mallory.id) as Record<string, Uint8Array>
  const put = database.prepare('update user_key set authentication_key = ?, encryption_key = ? where id = ?')
  put.run(authentication_key!, encryption_key!, victim.id)
  // With Mallory's keys in the row of the victim Mallory could ask for the victim, and forge her HELLOs.
  assert.equal(await askStatus(server, { ...victim, keys: mallory.keys }), undefined)
  await server.call('upload', withToken(server, itemOf(server, { ...victim, keys: mallory.keys }, NOON), TODAY))
  put.run(encryption_key!, authentication_key!, mallory.id)
  assert.equal(await askStatus(server, mallory), undefined)
  put.run(authentication_key!, encryption_key!, mallory.id)
  database.close()
  assert.notEqual(await askStatus(server, mallory), undefined, 'back in its place it is hers again')
  pass(server, DAY_SECONDS / 4)
  await processContacts(server.deps, server.clock.now)
  assert.equal((await exposuresOf(server, victim.id)).length, 0)
  assert.ok((server.deps.counts.get('store.userAltered') ?? 0) > 0)
})

// Who left is remembered outside the database before he is answered, and an observer of the disk sees the same for everybody.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { DAY_SECONDS, later, toHex } from '@vicinity/protocol'
import { CODE } from '@vicinity/protocol/robert'
import { authenticatedRequests } from '../src/flows/authenticated-requests.ts'
import { keepDepartures } from '../src/flows/keep-departures.ts'
import { NOBODY_LEFT } from '../src/store/departures.ts'
import { markOf, marksIn, openTombstones, type Tombstones } from '../src/tombstones.ts'
import {
  ask,
  type BackEnd,
  backEnd,
  NOON,
  randomOf,
  registerPhone,
  requestOf,
  TODAY,
  temporaryDirectory,
} from './fixture.ts'

const KEY = randomOf('tombstone key')(32)
const names = randomOf('tombstone names')
const open = (directory: string, at = NOON) => openTombstones({ directory, key: KEY, random: names, days: 21, at })
const contentOf = (directory: string) =>
  Buffer.concat(
    readdirSync(directory)
      .sort()
      .map((name) => readFileSync(join(directory, name))),
  )

/** A back-end that remembers who left in this way. */
const remembering = (server: BackEnd, tombstones: Tombstones): BackEnd => ({
  ...server,
  deps: { ...server.deps, tombstones },
})

test('every mark that was recorded is found again, from every process and file of a directory; nobody is not', async (t) => {
  const directory = temporaryDirectory(t)
  const [one, two] = [await open(directory), await open(directory)]
  const marks = Array.from({ length: 6000 }, (_, id) => markOf(KEY, id))
  for (let from = 0; from < marks.length; from += 50) {
    const some = marks.slice(from, from + 50)
    // As in a batch of requests: most of them are nobody's.
    await (from % 100 === 0 ? one : two).record(some.flatMap((mark) => [NOBODY_LEFT, mark, NOBODY_LEFT]))
  }
  await Promise.all([one.close(), two.close()])
  assert.deepEqual(marksIn([directory]), new Set(marks.map((mark) => toHex(mark))))
})

test('a batch without anybody who leaves is written like one with, and changes no byte', async (t) => {
  const directory = temporaryDirectory(t)
  const tombstones = await open(directory)
  const written = () => statSync(join(directory, readdirSync(directory)[0]!), { bigint: true })
  await tombstones.record([markOf(KEY, 1), NOBODY_LEFT])
  const before = { bytes: contentOf(directory), stat: written() }
  await turn()
  await tombstones.record(Array.from({ length: 32 }, () => NOBODY_LEFT))
  assert.deepEqual(contentOf(directory), before.bytes)
  assert.ok(written().mtimeNs > before.stat.mtimeNs, 'it was written')
  await tombstones.record([markOf(KEY, 2)])
  assert.notDeepEqual(contentOf(directory), before.bytes)
  assert.equal(written().size, before.stat.size)
  await tombstones.close()
})

test('a mark names nobody without its key, and each user has another', () => {
  const marks = Array.from({ length: 1000 }, (_, id) => toHex(markOf(KEY, id)))
  assert.equal(new Set(marks).size, 1000)
  assert.notEqual(toHex(markOf(randomOf('another')(32), 1)), marks[1])
  assert.equal(
    marks.every((mark) => mark.length === 32),
    true,
  )
})

test('tombstones live as long as a backup may: their files go by the day', async (t) => {
  const directory = temporaryDirectory(t)
  const tombstones = await open(directory)
  const days = () => new Set(readdirSync(directory).map((name) => Number(name.split('-')[1]) - TODAY))
  await tombstones.record([markOf(KEY, 1)])
  for (let day = 1; day <= 22; day++) {
    await tombstones.keep(later(NOON, day * DAY_SECONDS))
    await tombstones.record([markOf(KEY, 100 + day)])
    assert.ok(marksIn([directory]).has(toHex(markOf(KEY, 1))), `${day}`)
  }
  await tombstones.keep(later(NOON, 22 * DAY_SECONDS))
  assert.equal(days().size, 23)
  await tombstones.keep(later(NOON, 23 * DAY_SECONDS))
  assert.ok(!marksIn([directory]).has(toHex(markOf(KEY, 1))))
  assert.ok(marksIn([directory]).has(toHex(markOf(KEY, 101))))
  assert.equal(days().size, 23)
  await tombstones.close()
})

test('processes that start and answer nobody leave one file a day', async (t) => {
  const directory = temporaryDirectory(t)
  for (let starts = 0; starts < 5; starts++) {
    const tombstones = open(directory)
    await tombstones.keep(NOON)
    assert.equal(tombstones.newestDay(), TODAY)
    await tombstones.close()
  }
  assert.equal(readdirSync(directory).length, 1)
  const last = open(directory)
  await last.keep(later(NOON, DAY_SECONDS))
  assert.deepEqual([last.newestDay(), readdirSync(directory).length], [TODAY + 1, 2])
  await last.record([markOf(KEY, 1)])
  assert.equal(readdirSync(directory).length, 2)
  await last.close()
})

test('who unregisters is answered only when he is remembered, and so is everybody else', async (t) => {
  const server = await backEnd(t)
  const phone = await registerPhone(server, 'phone')
  for (const code of [CODE.status, CODE.unregister]) {
    const [asked, recorded] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const marks: Uint8Array[] = []
    const tombstones: Tombstones = {
      markOf: (id) => markOf(KEY, id),
      record: (some) => {
        marks.push(...some)
        asked.resolve()
        return recorded.promise
      },
      keep: async () => {},
      newestDay: () => undefined,
      close: async () => {},
    }
    const { deps } = remembering(server, tombstones)
    let answered = false
    const answer = authenticatedRequests(deps, [requestOf(server, phone, code)], NOON).finally(() => {
      answered = true
    })
    await asked.promise
    for (let turns = 0; turns < 20; turns++) await turn()
    assert.equal(answered, false)
    assert.deepEqual(marks, [code === CODE.unregister ? markOf(KEY, phone.id) : NOBODY_LEFT])
    recorded.resolve()
    assert.equal((await answer).length, 1)
  }
})

test('where the tombstone cannot be written nobody is answered; it is written later from the database', async (t) => {
  const server = await backEnd(t)
  const phone = await registerPhone(server, 'phone')
  const directory = temporaryDirectory(t)
  const tombstones = await open(directory)
  const full = remembering(server, { ...tombstones, record: () => Promise.reject(new Error('no room')) })
  await assert.rejects(ask(full, phone, requestOf(server, phone, CODE.unregister)), /no room/)
  assert.equal(marksIn([directory]).size, 0)
  // The same after a crash between the commit and the file.
  const { deps } = remembering(server, tombstones)
  await keepDepartures(deps, NOON)
  assert.deepEqual(marksIn([directory]), new Set([toHex(markOf(KEY, phone.id))]))
  assert.deepEqual(await deps.store.transaction((tx) => tx.departures(9)), [])
  await tombstones.close()
})

test('many marks in the database are moved out of it page by page', async (t) => {
  const server = await backEnd(t)
  const directory = temporaryDirectory(t)
  const tombstones = await open(directory)
  const marks = Array.from({ length: 1300 }, (_, id) => markOf(KEY, id))
  await server.deps.store.transaction((tx) => tx.noteDepartures(marks))
  await keepDepartures(remembering(server, tombstones).deps, NOON)
  assert.equal(marksIn([directory]).size, 1300)
  assert.deepEqual(await server.deps.store.transaction((tx) => tx.departures(9)), [])
  await tombstones.close()
})

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import {
  api,
  dayOf,
  finishToken,
  later,
  ntpOf,
  requestToken,
  time32,
  toHex,
  type UnixSeconds,
  writeUint,
} from '@vicinity/protocol'
import { SIZE } from '@vicinity/protocol/robert'
import { processContacts } from '../src/flows/process-contacts.ts'
import { upload } from '../src/flows/upload.ts'
import { makeHttp } from '../src/http.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import {
  askStatus,
  type BackEnd,
  backEnd,
  countRows,
  dump,
  exposuresOf,
  itemOf,
  NOON,
  type Phone,
  pass,
  randomOf,
  registerPhone,
  TODAY,
  withToken,
} from './fixture.ts'

const WINDOW = 6 * 3600

async function start(t: TestContext, options = {}): Promise<{ server: BackEnd; phone: Phone }> {
  const server = await backEnd(t, options)
  const phone = await registerPhone(server, 'phone')
  pass(server, 3600)
  return { server, phone }
}

const applyAll = (server: BackEnd) => processContacts(server.deps, pass(server, WINDOW))
const countOf = async (server: BackEnd, phone: Phone) => (await exposuresOf(server, phone.id)).length / SIZE.exposure

/** Asks tokens for items of one day as a phone does: every chunk in full, dummies for what is not there. */
async function redeemDay(server: BackEnd, code: string, day: UnixSeconds, items: readonly Uint8Array[]) {
  const { tokensPerDay, chunk } = await server.call('codeWindow', { code })
  const random = randomOf(`tokens ${day}`)
  const wanted = Array.from({ length: tokensPerDay }, (_, n) => {
    const item = items[n] ?? retimed(random(SIZE.item), day)
    const secret = random(32)
    return { item, random: secret, ...requestToken(item, secret) }
  })
  const responses: Uint8Array[] = []
  for (let n = 0; n * chunk < tokensPerDay; n++) {
    const requests = wanted.slice(n * chunk, (n + 1) * chunk).map(({ request }) => request)
    responses.push(...(await server.call('redeemCode', { code, day: dayOf(day), chunk: n, requests })).responses)
  }
  return wanted.map(({ item, random: secret, pending }, n) => ({
    item,
    random: secret,
    token: finishToken(pending, responses[n]!),
  }))
}

test('from the code to the warning: code, window, tokens, uploads, the pool, status (ROBERT §6.1, §6.2, §7)', async (t) => {
  const { server, phone } = await start(t)
  const contacts = [0, 300, 600].map((seconds) => itemOf(server, phone, later(NOON, 60 + seconds)))
  const [contagiousFrom, contagiousTo] = [later(NOON, -86_400), later(NOON, 3600)]
  const { code } = await server.asAuthority('issueCode', { contagiousFrom, contagiousTo })
  const window = await server.call('codeWindow', { code })
  assert.deepEqual(window, { contagiousFrom, contagiousTo, tokensPerDay: 4, chunk: 2 })
  const uploads = await redeemDay(server, code, NOON, contacts)
  assert.equal(uploads.length, 4)
  for (const each of uploads) assert.deepEqual(await server.call('upload', each), {})
  assert.equal(countRows(server.path, 'item_queue'), 4)
  assert.equal((await askStatus(server, phone))?.atRisk, false)
  await applyAll(server)
  assert.deepEqual([countRows(server.path, 'item_queue'), await countOf(server, phone)], [0, 3])
  const warned = await askStatus(server, phone)
  assert.deepEqual([warned?.atRisk, warned?.exposureDay], [true, TODAY])
})

test('sixteen parallel copies of an upload are one: its token is spent once (T-31)', async (t) => {
  const { server, phone } = await start(t)
  const one = withToken(server, itemOf(server, phone, NOON), TODAY)
  await Promise.all(Array.from({ length: 16 }, () => server.call('upload', one)))
  assert.deepEqual([countRows(server.path, 'item_queue'), countRows(server.path, 'spent_token')], [1, 1])
  assert.deepEqual([server.deps.counts.get('upload.queued'), server.deps.counts.get('upload.repeated')], [1, 15])
})

test('an item that is sent three times counts once, also when it comes again after it was applied (I2)', async (t) => {
  const { server, phone } = await start(t)
  const one = withToken(server, itemOf(server, phone, NOON), TODAY)
  for (let copy = 0; copy < 2; copy++) await server.call('upload', one)
  await applyAll(server)
  await server.call('upload', one)
  await applyAll(server)
  assert.equal(await countOf(server, phone), 1)
})

test('two patients with the same bytes count twice: nothing is recognised by its content (G11)', async (t) => {
  const { server, phone } = await start(t)
  const item = itemOf(server, phone, NOON)
  for (const patient of ['first', 'second']) {
    await server.call('upload', withToken(server, item, TODAY, randomOf(patient)(32)))
  }
  await applyAll(server)
  assert.equal(await countOf(server, phone), 2)
})

/** The same bytes with a Time of another moment. */
function retimed(item: Uint8Array, at: UnixSeconds): Uint8Array {
  const changed = Uint8Array.from(item)
  writeUint(changed, SIZE.hello, 4, time32(ntpOf(at)))
  return changed
}

function worthless(server: BackEnd, phone: Phone): Record<string, ReturnType<typeof withToken>> {
  const item = itemOf(server, phone, NOON)
  const good = withToken(server, item, TODAY)
  const turned = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
  const at = (days: number) => later(NOON, 86_400 * days)
  const ofDay = (days: number) => withToken(server, retimed(item, at(days)), dayOf(at(days)))
  return {
    'a token of zeros': { ...good, token: new Uint8Array(64) },
    'random bytes': { item, random: randomOf('a')(32), token: randomOf('b')(64) },
    'a token of the day before': withToken(server, item, dayOf(at(-1))),
    'a token of the day after': withToken(server, item, dayOf(at(1))),
    'the token of another item': { ...good, item: turned(item, 20) },
    'the token of another random': { ...good, random: turned(good.random, 0) },
    'one bit of the nonce': { ...good, token: turned(good.token, 31) },
    'one bit of the response': { ...good, token: turned(good.token, 63) },
    'the item moved to another day': { ...good, item: retimed(item, at(-1)) },
    'an item older than CT and a day': ofDay(-16),
    'an item of the day after tomorrow': ofDay(2),
  }
}

test('a token that is good, spent, forged or of another day gets one answer, and only the good one leaves a row', async (t) => {
  const { server, phone } = await start(t)
  const app = makeHttp(server.deps, () => server.clock.now)
  t.after(() => app.close())
  const send = async (input: ReturnType<typeof withToken>) => {
    const payload = api.upload.request.encode(input) as object
    const { statusCode, headers, body } = await app.inject({ method: 'POST', url: '/v1/upload', payload })
    const { date: _date, ...others } = headers
    return { statusCode, headers: others, body }
  }
  const good = withToken(server, itemOf(server, phone, NOON), TODAY)
  const first = await send(good)
  assert.deepEqual([first.statusCode, first.body], [200, '{}'])
  const before = dump(server.path)
  for (const [name, input] of Object.entries({ spent: good, ...worthless(server, phone) })) {
    assert.deepEqual(await send(input), first, name)
    assert.equal(dump(server.path), before, name)
  }
  assert.equal(server.deps.counts.get('upload.tokenRefused'), 11)
})

test('items of CT and a day ago and of tomorrow are queued: the steps of ROBERT §6.2 judge them', async (t) => {
  const { server, phone } = await start(t)
  for (const days of [-15, 1]) {
    const at = later(NOON, 86_400 * days)
    await server.call('upload', withToken(server, retimed(itemOf(server, phone, NOON), at), dayOf(at)))
  }
  assert.equal(countRows(server.path, 'item_queue'), 2)
})

test('no byte of an item can be read in the database or its journal, before and after it is applied (I3)', async (t) => {
  const { server, phone } = await start(t)
  const items = [1, 2, 3].map((minute) => itemOf(server, phone, later(NOON, 60 * minute)))
  for (const item of items) await server.call('upload', withToken(server, item, TODAY))
  const scan = () => {
    const files = [server.path, `${server.path}-wal`].filter(existsSync).map((path) => readFileSync(path))
    assert.equal(files.length, 2)
    for (const item of items) {
      // The identifier, the HELLO's MAC, and the two times with the signal.
      for (const [from, to] of [
        [1, 9],
        [11, 16],
        [16, 21],
      ] as const) {
        for (const file of files) assert.equal(file.indexOf(item.subarray(from, to)), -1)
      }
    }
  }
  scan()
  await applyAll(server)
  assert.equal(await countOf(server, phone), 3)
  scan()
})

test('a queued item opens with the intake key of its window only (design: data at rest)', async (t) => {
  const { server, phone } = await start(t)
  await server.call('upload', withToken(server, itemOf(server, phone, NOON), TODAY))
  const [window] = server.deps.keys.intakeWindows()
  const [queued] = await server.deps.store.transaction((tx) => tx.queuedItems(window!, 1))
  const sealed = queued?.body
  assert.equal(sealed!.length, SIZE.iv + SIZE.item + SIZE.gcmTag)
  const { keys } = server.deps
  const place = new Uint8Array(7)
  writeUint(place, 1, 6, window!)
  assert.equal(toHex(keys.open(keys.knownIntakeKey(window!), place, sealed!)), toHex(itemOf(server, phone, NOON)))
  for (const key of [keys.dataKey.key, keys.issuerKey, keys.replyKey, keys.challengeKey, keys.federationKey]) {
    assert.throws(() => keys.open(key, place, sealed!), /does not open/)
  }
  writeUint(place, 1, 6, window! + 1)
  assert.throws(() => keys.open(keys.knownIntakeKey(window!), place, sealed!), /does not open/)
})

test('all items of one window share an intake key, which exists before the first of them is queued', async (t) => {
  const keyFiles = memoryKeys()
  const { server, phone } = await start(t, { keyFiles })
  const intake = () => keyFiles.names().filter((name) => name.startsWith('intake-'))
  assert.deepEqual(intake(), [])
  const queue = (name: string) =>
    upload(server.deps, withToken(server, itemOf(server, phone, NOON), TODAY, randomOf(name)(32)), server.clock.now)
  await Promise.all(['a', 'b', 'c'].map(queue))
  assert.equal(intake().length, 1)
  pass(server, WINDOW)
  await queue('d')
  assert.equal(intake().length, 2)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  api,
  concat,
  dayOf,
  epochAt,
  epochStart,
  firstEpochOfDay,
  later,
  ntpOf,
  toHex,
  type UnixSeconds,
} from '@vicinity/protocol'
import { drawPrivateKey, publicPoint } from '@vicinity/protocol/crypto'
import {
  agreeKeys,
  epochOfBlock,
  idOfBlock,
  openEbids,
  openFrom,
  SIZE,
  SPEC,
  solveChallenge,
  unpackList,
} from '@vicinity/protocol/robert'
import { Unavailable } from '../src/deps.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import {
  type BackEnd,
  backEnd,
  countRows,
  dump,
  NOON,
  pass,
  randomOf,
  registerPhone,
  SERVICE_START,
  TODAY,
} from './fixture.ts'

const keyPair = (name: string) => {
  const privateKey = drawPrivateKey(randomOf(name))
  return { privateKey, publicKey: publicPoint(privateKey) }
}

const refusedAs = (reason: string) => (error: Error) => error.name === 'Refused' && error.message === reason

/** A registration that needs only to be sent. */
async function prepare({ call }: BackEnd, name: string) {
  const { publicKey } = keyPair(name)
  const { challenge } = await call('challenge', { publicKey })
  return { publicKey, challenge, solution: solveChallenge(challenge) }
}

test('the answer configures the phone: epoch, its duration, the next epoch in NTP time, the service (ROBERT §3.3)', async (t) => {
  const server = await backEnd(t, { at: later(NOON, 61) })
  const answer = await server.call('register', await prepare(server, 'phone'))
  const epoch = (NOON - SERVICE_START) / 900
  assert.equal(answer.epoch, epoch)
  assert.equal(answer.epochDuration, 900)
  assert.equal(answer.serverTime, ntpOf(later(NOON, 61)))
  assert.equal(answer.nextEpochStart, ntpOf(later(SERVICE_START, (epoch + 1) * 900)))
  const { parameters } = server.deps.robert
  assert.deepEqual(answer.service, { serviceStart: SERVICE_START, riskFunction: 'slots-1', parameters })
  assert.ok(Math.abs(answer.nextPoll - parameters.pollInterval) <= parameters.pollJitter)
})

test('the first list opens with the agreed key and covers today from now on and the days of the bundle (ROBERT §3.3, §4)', async (t) => {
  const server = await backEnd(t)
  const { deps } = server
  const phone = await registerPhone(server, 'phone')
  const now = epochAt(deps.calendar, NOON)
  assert.equal(phone.list.first, now)
  const count = phone.list.pairs.length / SIZE.pair
  assert.equal(now + count, firstEpochOfDay(deps.calendar, TODAY + 5))
  for (let k = 0; k < count; k++) {
    const pair = phone.list.pairs.subarray(SIZE.pair * k, SIZE.pair * (k + 1))
    const block = Uint8Array.from(pair.subarray(0, SIZE.ebid))
    assert.equal(deps.robert.federation(block)[0]! ^ pair[SIZE.ebid]!, deps.settings.countryCode)
    openEbids(deps.keys.serverKeyOf(dayOf(epochStart(deps.calendar, now + k)))!, block)
    assert.deepEqual([epochOfBlock(block, 0), idOfBlock(block, 0)], [now + k, phone.id])
  }
})

test('both sides hold the same two keys, and the store holds neither of them in the clear (ROBERT §3.2.1)', async (t) => {
  const server = await backEnd(t)
  const phone = await registerPhone(server, 'phone')
  const stored = (await server.deps.store.transaction((tx) => tx.usersOf([phone.id]))).get(phone.id)!
  for (const which of ['authentication', 'encryption'] as const) {
    const key = phone.keys[`${which}Key`]
    assert.equal(toHex(server.deps.open(which, phone.id, stored[`${which}Key`])), toHex(key))
    assert.ok(!dump(server.path).includes(toHex(key)))
  }
  assert.throws(() => server.deps.open('encryption', phone.id, stored.authenticationKey), /does not open/)
  assert.throws(() => server.deps.open('authentication', phone.id + 1, stored.authenticationKey), /does not open/)
})

/** Size of the answer of a registration at a time, as it travels. */
async function sizeAt(server: BackEnd, at: UnixSeconds): Promise<number> {
  server.clock.now = at
  await keepServerKeys(server.deps, at)
  const answer = await server.call('register', await prepare(server, `phone at ${at}`))
  return answer.list.length
}

test('the list has one size at any time of day, also where epochs straddle midnight', async (t) => {
  for (const [epochDuration, offset] of [
    [900, 0],
    [900, 450],
    [1200, 700],
    [300, 299],
  ] as const) {
    const serviceStart = later(SERVICE_START, offset)
    const server = await backEnd(t, {
      settings: { serviceStart },
      parameters: { epochDuration, statusGap: 6, bundleDays: 2 },
    })
    const midnight = later(NOON, 43_200)
    const times = [-43_200, -1, 0, 1, 449, 450, 701, 3600].map((seconds) => later(midnight, seconds))
    const sizes = new Set<number>()
    for (const at of times) sizes.add(await sizeAt(server, at))
    assert.equal(sizes.size, 1, `epochs of ${epochDuration} s, ${offset} s after midnight`)
  }
})

test('a service that starts anew just after midnight has identifiers for the epoch that began before it', async (t) => {
  const serviceStart = later(SERVICE_START, -450)
  const server = await backEnd(t, { at: later(SERVICE_START, 60), settings: { serviceStart } })
  const phone = await registerPhone(server, 'phone')
  assert.equal(phone.list.first, 0)
  assert.equal(phone.list.pairs.length / SIZE.pair, 1 + 5 * 96)
})

test('a challenge serves once, one public key, for five minutes, and must be solved (T-09)', async (t) => {
  const server = await backEnd(t, { parameters: { proofOfWork: 8 } })
  const request = await prepare(server, 'phone')
  const unsolved = { ...request, solution: new Uint8Array(8).fill(255) }
  const before = dump(server.path)
  await assert.rejects(server.call('register', unsolved), refusedAs('challengeUnsolved'))
  const { publicKey } = keyPair('other')
  await assert.rejects(server.call('register', { ...request, publicKey }), refusedAs('challengeForged'))
  const easier = concat(Uint8Array.of(0), request.challenge.subarray(1))
  await assert.rejects(server.call('register', { ...request, challenge: easier }), refusedAs('challengeForged'))
  pass(server, 300)
  await assert.rejects(server.call('register', request), refusedAs('challengeExpired'))
  assert.equal(dump(server.path), before)
  pass(server, -1)
  await server.call('register', request)
  await assert.rejects(server.call('register', request), refusedAs('challengeSpent'))
  assert.equal(countRows(server.path, 'user_key'), 1)
})

test('of 64 registrations with one solution one succeeds (T-09)', async (t) => {
  const server = await backEnd(t)
  const request = await prepare(server, 'phone')
  const all = await Promise.allSettled(Array.from({ length: 64 }, () => server.call('register', request)))
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.equal(countRows(server.path, 'user_key'), 1)
})

test('the same public key gets another identifier each time and learns nothing of it (T-06)', async (t) => {
  const server = await backEnd(t)
  const ids = new Set<number>()
  const sizes = new Set<number>()
  for (let n = 0; n < 20; n++) {
    ids.add((await registerPhone(server, 'the same phone')).id)
    const answer = await server.call('register', await prepare(server, 'the same phone'))
    sizes.add(JSON.stringify(api.register.response.encode({ ...answer, nextPoll: 0 })).length)
  }
  assert.deepEqual([ids.size, sizes.size], [20, 1])
  assert.equal(countRows(server.path, 'user_key'), 40)
})

/** Randomness whose identifiers, the only draws of 5 bytes, are those of a list; the last of them for ever. */
function randomWithIds(ids: readonly number[]) {
  const random = randomOf('ids')
  let drawn = 0
  return (length: number) =>
    length === 5 ? Uint8Array.of(0, 0, 0, 0, ids[Math.min(drawn++, ids.length - 1)]!) : random(length)
}

test('an identifier that is taken is drawn again (ROBERT §3.2.1, T-11)', async (t) => {
  const server = await backEnd(t, { random: randomWithIds([7, 7, 7, 9]) })
  assert.equal((await registerPhone(server, 'first')).id, 7)
  assert.equal((await registerPhone(server, 'second')).id, 9)
})

test('where no identifier is free the registration is unavailable and its challenge is not spent (T-11)', async (t) => {
  const server = await backEnd(t, { random: randomWithIds([7]) })
  await registerPhone(server, 'first')
  const request = await prepare(server, 'second')
  const before = dump(server.path)
  await assert.rejects(server.call('register', request), Unavailable)
  await assert.rejects(server.call('register', request), Unavailable)
  assert.equal(dump(server.path), before)
})

test('before the service starts, and without a server key of today, nobody is registered', async (t) => {
  const early = await backEnd(t, { at: later(SERVICE_START, -1) })
  await assert.rejects(early.call('register', await prepare(early, 'phone')), Unavailable)
  pass(early, 1)
  await early.call('register', await prepare(early, 'phone'))
  const keyless = await backEnd(t, { serverKeys: false })
  await assert.rejects(keyless.call('register', await prepare(keyless, 'phone')), Unavailable)
  assert.equal(countRows(keyless.path, 'user_key'), 0)
})

test('a list opens for the phone that registered and for nobody else, and only with the encryption key (T-07)', async (t) => {
  const server = await backEnd(t)
  const { privateKey } = keyPair('eavesdropper')
  const answer = await server.call('register', await prepare(server, 'phone'))
  const keys = agreeKeys(SPEC, privateKey, server.deps.keys.publicKey)!
  assert.equal(openFrom(keys.encryptionKey, answer.list), undefined)
  const own = agreeKeys(SPEC, keyPair('phone').privateKey, server.deps.keys.publicKey)!
  assert.equal(openFrom(own.authenticationKey, answer.list), undefined)
  assert.doesNotThrow(() => unpackList(openFrom(own.encryptionKey, answer.list)!))
})

// What every engine of the store must hold of the verification server; each verb at least once.
import assert from 'node:assert/strict'
import type { UnixSeconds, UtcDay } from '@vicinity/protocol'
import type { Store } from '../src/store/store.ts'
import {
  type FoundCode,
  type Hashes,
  NO_HASH,
  NO_TOKEN,
  type Tally,
  type VerificationCodeRow,
  type VerificationVerbs,
} from '../src/store/verification.ts'
import { randomOf } from './fixture.ts'

const random = randomOf('verification contract')
const at = (n: number): UnixSeconds => n as UnixSeconds
const twice = (hash: Uint8Array): Hashes => [hash, hash]
const either = (hash: Uint8Array): Hashes => [random(32), hash]

const rowOf = (changes: Partial<VerificationCodeRow> = {}): VerificationCodeRow => ({
  handle: random(32),
  code: random(32),
  longCode: random(32),
  testType: 'likely',
  symptomDay: 20_000 as UtcDay,
  testDay: undefined,
  expires: at(1000),
  longExpires: at(2000),
  nonce: undefined,
  phone: undefined,
  ...changes,
})
const bytes = (value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value)
const plain = (found: object | undefined) =>
  found && Object.fromEntries(Object.entries(found).map(([name, value]) => [name, bytes(value)]))
const foundAs = (row: VerificationCodeRow, changes: Partial<FoundCode> = {}) => {
  const { code: _, longCode: __, ...rest } = row
  return plain({ ...rest, claimed: false, long: false, ...changes })
}

const run = <Result>(store: Store, verb: (tx: VerificationVerbs) => Promise<Result>) => store.transaction(verb)
const add = (store: Store, row: VerificationCodeRow) => run(store, (tx) => tx.addVerificationCode(row))
const byCode = async (store: Store, hashes: Hashes) => plain(await run(store, (tx) => tx.verificationCodeOf(hashes)))
const byHandle = async (store: Store, handles: Hashes) =>
  plain(await run(store, (tx) => tx.verificationCodeByHandle(handles)))

export const verification: Record<string, (store: Store) => Promise<void>> = {
  'a verification code is found by its short and long form and by its handle, under either key': async (store) => {
    const bare = rowOf({ longCode: undefined, symptomDay: undefined })
    const full = rowOf({ testDay: 0 as UtcDay, nonce: random(32), phone: random(32), testType: 'user-report' })
    for (const row of [bare, full]) assert.equal(await add(store, row), true)
    for (const row of [bare, full]) {
      for (const hashes of [twice, either]) {
        assert.deepEqual(await byCode(store, hashes(row.code)), foundAs(row))
        assert.deepEqual(await byHandle(store, hashes(row.handle)), foundAs(row))
      }
    }
    assert.deepEqual(await byCode(store, either(full.longCode!)), foundAs(full, { long: true }))
    for (const find of [byCode, byHandle]) assert.equal(await find(store, twice(NO_HASH)), undefined)
    assert.equal(await byHandle(store, twice(full.code)), undefined)
  },
  'handle, code and long code are each for one verification code': async (store) => {
    const row = rowOf()
    await add(store, row)
    for (const name of ['handle', 'code', 'longCode'] as const) {
      assert.equal(await add(store, rowOf({ [name]: row[name] })), false, name)
    }
    for (let more = 0; more < 2; more++) assert.equal(await add(store, rowOf({ longCode: undefined })), true)
  },
  'of two codes of one text under two keys the one that ends later is found': async (store) => {
    const [old, young] = [rowOf({ longExpires: at(1000) }), rowOf({ longExpires: at(3000) })]
    for (const row of [young, old]) await add(store, row)
    assert.deepEqual(await byCode(store, [old.code, young.code]), foundAs(young))
  },
  'a verification code is claimed once, and only one that nobody claimed is ended or removed': async (store) => {
    const [first, second] = [rowOf(), rowOf()]
    for (const row of [first, second]) await add(store, row)
    const claim = (handle: Uint8Array) => run(store, (tx) => tx.claimVerificationCode(handle))
    const expire = (handle: Uint8Array) => run(store, (tx) => tx.expireVerificationCode(handle, at(500)))
    assert.deepEqual([await claim(first.handle), await claim(first.handle), await claim(NO_HASH)], [true, false, false])
    assert.deepEqual([await expire(first.handle), await expire(second.handle)], [false, true])
    assert.deepEqual(await byHandle(store, twice(first.handle)), foundAs(first, { claimed: true }))
    const ended = foundAs(second, { expires: at(500), longExpires: at(500) })
    assert.deepEqual(await byHandle(store, twice(second.handle)), ended)
    await run(store, (tx) => tx.removeVerificationCode(second.handle))
    assert.equal(await byHandle(store, twice(second.handle)), undefined)
  },
  'a verification token is spent once, before it expires, and none is added for nobody': async (store) => {
    const [hash, other] = [random(32), random(32)]
    await run(store, async (tx) => {
      await tx.addVerificationToken(hash, at(1000))
      await tx.addVerificationToken(other, at(1000))
      await tx.addVerificationToken(NO_TOKEN.hash, NO_TOKEN.expires)
    })
    const spend = (token: Uint8Array, when: number) => run(store, (tx) => tx.spendVerificationToken(token, at(when)))
    assert.deepEqual([await spend(hash, 999), await spend(hash, 999)], [true, false])
    assert.equal(await spend(other, 1000), false)
    assert.equal(await spend(NO_HASH, -2), false)
    await run(store, (tx) => tx.forgetVerificationTokens(at(1000)))
    assert.equal(await spend(other, 999), true)
    await run(store, (tx) => tx.forgetVerificationTokens(at(1001)))
    await run(store, (tx) => tx.addVerificationToken(other, at(2000)))
    assert.equal(await spend(other, 999), true)
  },
  'a report is remembered under either key until it expires, longer when it is kept, or until it is removed': async (
    store,
  ) => {
    const phone = random(32)
    const report = (phones: Hashes, expires: number, when: number) =>
      run(store, (tx) => tx.addReport(phones, at(expires), at(when)))
    assert.equal(await report(twice(phone), 100, 0), true)
    assert.deepEqual([await report(twice(phone), 200, 99), await report(either(phone), 200, 99)], [false, false])
    assert.equal(await report(twice(phone), 200, 100), true)
    await run(store, (tx) => tx.keepReport(phone, at(900)))
    await run(store, (tx) => tx.keepReport(NO_HASH, at(900)))
    await run(store, (tx) => tx.forgetReports(at(900)))
    assert.equal(await report(twice(phone), 1000, 899), false)
    assert.equal(await report(twice(NO_HASH), 1000, 0), true)
    await run(store, (tx) => tx.removeReport(phone))
    assert.equal(await report(twice(phone), 300, 0), true)
    await run(store, (tx) => tx.forgetReports(at(301)))
    assert.equal(await report(either(phone), 400, 0), true)
  },
  'tallies add up by window, and are summed from a window on': async (store) => {
    const tally = (n: number): Tally => ({ calls: n, chaff: 2 * n, wrong: 3 * n, issued: 4 * n })
    assert.deepEqual(await run(store, (tx) => tx.tallyOf(7)), tally(0))
    assert.equal(await run(store, (tx) => tx.issuedSince(0)), 0)
    for (const [window, n] of [
      [6, 1],
      [7, 1],
      [7, 2],
    ] as const) {
      await run(store, (tx) => tx.addToTally(window, tally(n)))
    }
    assert.deepEqual({ ...(await run(store, (tx) => tx.tallyOf(7))) }, tally(3))
    const sums = await Promise.all([6, 7, 8].map((from) => run(store, (tx) => tx.issuedSince(from))))
    assert.deepEqual(sums, [16, 12, 0])
    await run(store, (tx) => tx.forgetTallies(7))
    assert.equal(await run(store, (tx) => tx.issuedSince(0)), 12)
  },
  'of an ended verification code first the secrets are forgotten, then that it was': async (store) => {
    const row = rowOf({ nonce: random(32), phone: random(32) })
    const long = rowOf({ longExpires: at(5000) })
    for (const one of [row, long]) await add(store, one)
    const forget = (secrets: number, all: number) =>
      run(store, (tx) => tx.forgetVerificationCodes(at(secrets), at(all)))
    await forget(2000, 2000)
    assert.deepEqual(await byCode(store, twice(row.code)), foundAs(row))
    await forget(2001, 2000)
    for (const hash of [row.code, row.longCode!]) assert.equal(await byCode(store, twice(hash)), undefined)
    assert.deepEqual(await byHandle(store, twice(row.handle)), foundAs({ ...row, nonce: undefined, phone: undefined }))
    assert.equal(await add(store, rowOf({ code: row.code })), true)
    await forget(2001, 2001)
    assert.equal(await byHandle(store, twice(row.handle)), undefined)
    assert.deepEqual(await byCode(store, twice(long.code)), foundAs(long))
  },
}

// Properties of the core that no example shows: what counts is the set of tokens, nothing inside CT is lost, identifiers are a
// permutation, and every bit of a MAC matters. VICINITY_SEED repeats a run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomStream } from '@vicinity/lab'
import {
  dayOf,
  type Epoch,
  issuerDayKey,
  type NtpSeconds,
  requestToken,
  respondToken,
  toHex,
  type UnixSeconds,
  type UtcDay,
  verifyToken,
} from '@vicinity/protocol'
import {
  buildHello,
  buildRequest,
  epochOfBlock,
  helloMacIsValid,
  idOfBlock,
  isExpired,
  macIsValid,
  makeEbids,
  openEbids,
  packExposure,
  parseRequest,
  requestMacInput,
  riskOf,
  SIZE,
  SPEC,
  serverKeyOf,
  TAC,
  unpackExposures,
  withoutExpired,
} from '@vicinity/protocol/robert'
import fc from 'fast-check'
import { type Account, BackEnd, keyPairOf, packedItem, type Upload } from './back-end.ts'
import { RULES, STARTS } from './rules.ts'
import { holds } from './seed.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const flipped = (whole: Uint8Array, bit: number): Uint8Array =>
  whole.with(bit >> 3, whole[bit >> 3]! ^ (0x80 >> (bit & 7)))

interface Heard {
  readonly slot: number
  readonly minutes: number
  readonly strength: number
}

const exposuresOf = async ({ deps }: BackEnd, { id }: Account) =>
  unpackExposures((await deps.store.transaction((tx) => tx.usersOf([id]))).get(id)!.exposedEpochs)

test('LEE and the risk depend on which tokens arrived, not on their order nor on how often (I2, divergence 9)', async (t) => {
  const start = STARTS[0]!
  let day = start
  let now = start
  const backEnd = new BackEnd(start, () => now)
  t.after(() => backEnd.close())
  const keyPair = keyPairOf('somebody')
  const heard: fc.Arbitrary<Heard> = fc.record({ slot: fc.nat(17), minutes: fc.nat(5), strength: fc.nat(31) })
  const deliveries = fc.array(fc.record({ which: fc.nat(), apply: fc.boolean() }), { maxLength: 20 })

  async function uploadsOf(account: Account, plan: readonly Heard[]): Promise<Upload[]> {
    const from = now - (now % 86_400)
    const { code } = await backEnd.issueCode(from, now)
    const items = plan.map(({ slot, minutes, strength }, k) => {
      const emitted = now - 5400 + 300 * slot + k
      const epoch = Math.floor((emitted - start) / 900)
      return packedItem(account, { account: 0, epoch, emitted, received: emitted, minutes, strength, flaw: 'none' })
    })
    return backEnd.redeem(code, dayOf(now as UnixSeconds), items)
  }
  const applied = async () => {
    now += RULES.poolWindow
    await backEnd.run('process contacts')
  }
  const property = fc.asyncProperty(
    fc.array(heard, { minLength: 1, maxLength: RULES.tokensPerDay }),
    deliveries,
    async (plan, order) => {
      day += 86_400
      now = day
      await backEnd.run('server keys')
      const [once, often] = [(await backEnd.register(keyPair)).account, (await backEnd.register(keyPair)).account]
      now += 5400
      const [usual, unusual] = [await uploadsOf(once, plan), await uploadsOf(often, plan)]
      for (const upload of usual) await backEnd.upload(upload)
      for (const { which, apply } of order) {
        await backEnd.upload(unusual[which % unusual.length]!)
        if (apply) await applied()
      }
      for (const upload of unusual.toReversed()) await backEnd.upload(upload)
      await applied()
      const [expected, found] = [await exposuresOf(backEnd, once), await exposuresOf(backEnd, often)]
      const multiset = (lee: typeof expected) => lee.map((one) => toHex(packExposure(one))).sort()
      assert.equal(found.length, plan.length)
      assert.deepEqual(multiset(found), multiset(expected))
      const { calendar } = backEnd.deps
      const risks = [expected, found].map((lee) => {
        const packed = Uint8Array.from(lee.flatMap((one) => [...packExposure(one)]))
        return riskOf('slots-1', packed, Math.floor((day + 5400 - start) / 900) as Epoch, -1, calendar, RULES)
      })
      assert.deepEqual(risks[1], risks[0])
    },
  )
  await holds(t, property, 60)
})

test('a purge removes what is CT old and nothing else, and a second purge nothing more (ROBERT §6.2 footnote 17)', async (t) => {
  const exposure = fc.record({ back: fc.integer({ min: -2, max: 3000 }), slot: fc.nat(3), weight: fc.nat(50) })
  const property = fc.property(
    fc.array(exposure, { maxLength: 60 }),
    fc.integer({ min: 3000, max: 0xfffffd }),
    fc.constantFrom(96, 288, 1344, 2688),
    (entries, now, contagious) => {
      const lee = entries.map(({ back, slot, weight }) => ({ epoch: (now - back) as Epoch, slot, weight }))
      const packed = Uint8Array.from(lee.flatMap((one) => [...packExposure(one)]))
      const kept = withoutExpired(packed, now as Epoch, contagious)
      const expected = entries.filter(({ back }) => back < contagious).map(({ back }) => now - back)
      assert.deepEqual(
        unpackExposures(kept).map(({ epoch }) => epoch),
        expected,
      )
      assert.equal(withoutExpired(kept, now as Epoch, contagious), kept)
      // An epoch later exactly those go that are CT old by then.
      const next = unpackExposures(withoutExpired(kept, (now + 1) as Epoch, contagious))
      assert.equal(next.length, expected.filter((epoch) => !isExpired(epoch, (now + 1) as Epoch, contagious)).length)
      assert.equal(expected.length - next.length, expected.filter((epoch) => now + 1 - epoch === contagious).length)
    },
  )
  await holds(t, property, 500)
})

test('EBID is a permutation: 100,000 inputs give 100,000 identifiers, and each opens to its input (ROBERT §4)', () => {
  const users = 1000
  const epochs = 100
  const key = serverKeyOf(randomStream(1, 'server key')(SIZE.serverKey))
  const seen = new Set<string>()
  for (let user = 0; user < users; user++) {
    // Identifiers that lie close together, epochs up to the last of 24 bits.
    const id = user < users / 2 ? user : 2 ** 40 - 1 - user
    const first = user % 2 === 0 ? user : 0xffffff - epochs + 1
    const ebids = makeEbids(key, id, first as Epoch, epochs)
    for (let k = 0; k < epochs; k++) seen.add(toHex(ebids.subarray(SIZE.ebid * k, SIZE.ebid * (k + 1))))
    openEbids(key, ebids)
    for (let k = 0; k < epochs; k++) {
      assert.equal(epochOfBlock(ebids, k), first + k)
      assert.equal(idOfBlock(ebids, k), id)
    }
  }
  assert.equal(seen.size, users * epochs)
})

test('every bit of a HELLO matters, and every bit of its key (ROBERT §6.2 step 8)', async (t) => {
  const property = fc.property(bytes(32), bytes(SIZE.pair), fc.nat(2 ** 33), (key, pair, time) => {
    const hello = buildHello(key, pair, time as NtpSeconds)
    assert.ok(helloMacIsValid(key, hello))
    for (let bit = 0; bit < 8 * SIZE.hello; bit++) assert.ok(!helloMacIsValid(key, flipped(hello, bit)), `bit ${bit}`)
    for (let bit = 0; bit < 256; bit += 17) assert.ok(!helloMacIsValid(flipped(key, bit), hello), `key bit ${bit}`)
  })
  await holds(t, property, 20)
})

test('every bit of a request that its MAC covers matters, and every bit of the MAC (ROBERT §7 step 6)', async (t) => {
  const at = 1_800_000_000 as UnixSeconds
  const property = fc.property(
    fc.constantFrom(SPEC, TAC),
    bytes(32),
    fc.record({ code: fc.integer({ min: 2, max: 7 }), ebid: bytes(SIZE.ebid), epoch: fc.nat(0xffffff) }),
    bytes(SIZE.requestPayload),
    (profile, key, fields, payload) => {
      const time = (at + 2_208_988_800) as NtpSeconds
      const epoch = fields.epoch as Epoch
      const request = buildRequest(profile, key, { ...fields, epoch, time, payload })
      const isGood = (whole: Uint8Array): boolean => {
        const parsed = parseRequest(whole, at)
        // The MAC of profile spec has three bytes for an epoch of four: what does not fit is malformed.
        if (parsed.epoch > 0xffffff) return false
        return macIsValid(key, requestMacInput(profile, parsed), parsed.mac)
      }
      assert.ok(isGood(request))
      const [head, mac] = [8 * 17, 8 * (SIZE.request - SIZE.requestMac)]
      for (let bit = 0; bit < 8 * SIZE.request; bit++) {
        const covered = bit < head || bit >= mac || fields.code >= 5
        // A bit of the code may change whether the payload is covered; either way it is another message.
        if (covered) assert.ok(!isGood(flipped(request, bit)), `bit ${bit}`)
      }
    },
  )
  await holds(t, property, 20)
})

test('every bit of a token, of its item and of its blinding matters (divergence 9)', async (t) => {
  const property = fc.property(bytes(32), fc.nat(40_000), bytes(SIZE.item), bytes(32), (key, day, item, random) => {
    const dayKey = issuerDayKey(key, day as UtcDay)
    const { request, pending } = requestToken(item, random)
    const token = Uint8Array.from([...pending, ...respondToken(dayKey, request)])
    assert.ok(verifyToken(dayKey, item, random, token))
    for (let bit = 0; bit < 8 * token.length; bit++) assert.ok(!verifyToken(dayKey, item, random, flipped(token, bit)))
    for (let bit = 0; bit < 8 * item.length; bit++) assert.ok(!verifyToken(dayKey, flipped(item, bit), random, token))
    for (let bit = 0; bit < 256; bit += 5) assert.ok(!verifyToken(dayKey, item, flipped(random, bit), token))
    assert.ok(!verifyToken(issuerDayKey(key, (day + 1) as UtcDay), item, random, token))
  })
  await holds(t, property, 10)
})

// The batch of ROBERT §6.2 against the text, item by item, over millions of items: valid, and corrupted in every field.
import assert from 'node:assert/strict'
import { createCipheriv, createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { midstates } from '../src/kernels/hmac.ts'
import { CODE, SIZE } from '../src/robert/constants.ts'
import { CONTACT_REFUSALS, locateContacts } from '../src/robert/contact.ts'
import { type ContactVerdict, decideContacts, type KeyTable, verdictOf } from '../src/robert/contact-decision.ts'
import { federationCipher, type ServerKey, serverKeyOf } from '../src/robert/ebid.ts'
import { DEFAULT_PARAMETERS } from '../src/robert/parameters.ts'
import { SPEC } from '../src/robert/profile.ts'
import {
  type Calendar,
  dayOf,
  dayOfEpoch,
  dayStart,
  type Epoch,
  epochAt,
  later,
  ntpOf,
  type UnixSeconds,
  type UtcDay,
} from '../src/time.ts'
import { FRANCE, GERMANY, unix } from './fixture.ts'
import { judgeItem, type Oracle } from './oracle/contact.ts'
import * as readable from './oracle/skinny.ts'

const MILLION = 1_000_000
const BATCH = 4096
const USERS = 500
const CALENDARS: Readonly<Record<string, Calendar>> = {
  'epochs begin at midnight': { serviceStart: unix('2026-03-01T00:00:00Z'), epochDuration: 900 },
  'epochs span midnight': { serviceStart: unix('2026-03-01T00:09:59Z'), epochDuration: 600 },
}
const NOW = unix('2026-03-21T12:00:00Z')
const PEERS = new Set([GERMANY, 44])

/** Chance from a seed, fast enough for megabytes. */
const seed = process.env['VICINITY_SEED'] ?? `${Date.now()}`
const chance = createCipheriv(
  'aes-128-ctr',
  createHash('sha256').update(seed).digest().subarray(0, 16),
  Buffer.alloc(16),
)
let pool: Buffer = Buffer.alloc(0)
function random(length: number): Uint8Array {
  if (pool.length < length) pool = chance.update(Buffer.alloc(1 << 20))
  const drawn = pool.subarray(0, length)
  pool = pool.subarray(length)
  return new Uint8Array(drawn)
}
const below = (n: number): number => Buffer.from(random(6)).readUIntBE(0, 6) % n
const oneOf = <T>(...choices: readonly T[]): T => choices[below(choices.length)]!

/** The answers that were given before: the readable forms are slow, and most items share their identifiers. */
function remembered<Result>(compute: (key: string) => Result): (key: string) => Result {
  const known = new Map<string, Result>()
  return (key) => {
    const found = known.get(key)
    if (found !== undefined) return found
    const made = compute(key)
    if (known.size < 100_000) known.set(key, made)
    return made
  }
}

const federationKey = random(32)
const users = new Map(Array.from({ length: USERS }, () => [below(2 ** 40), random(32)] as const))
const ids = [...users.keys()]
const table: KeyTable = {
  midstates: midstates(Uint8Array.from([...users.values()].flatMap((key) => [...key]))),
  find: (wanted, rows) => {
    wanted.forEach((id, n) => {
      rows[n] = ids.indexOf(id)
    })
  },
}
/** K_S of a day; three days within the contagious period have none. */
const serverKeyBytes = new Map<UtcDay, Uint8Array>()
const firstDay = dayOf(unix('2026-03-01T00:00:00Z'))
for (let day = firstDay - 1; day <= firstDay + 23; day++) {
  if (![9, 13, 14].includes(day - firstDay)) serverKeyBytes.set(day as UtcDay, random(24))
}
const fast = new Map([...serverKeyBytes].map(([day, bytes]) => [day, serverKeyOf(bytes)] as const))
const slow = new Map([...serverKeyBytes].map(([day, bytes]) => [day, readable.skinnyKey(bytes)] as const))

const context = {
  profile: SPEC,
  parameters: DEFAULT_PARAMETERS,
  countryCode: FRANCE,
  peers: PEERS,
  federation: federationCipher(federationKey),
  serverKeyOf: (day: UtcDay): ServerKey | undefined => fast.get(day),
}

const aes = remembered((ebid) => {
  const cipher = createCipheriv('aes-256-ecb', federationKey, null).setAutoPadding(false)
  return cipher.update(Buffer.concat([Buffer.from(ebid, 'latin1'), Buffer.alloc(8)]))[0]!
})
const opened = remembered((dayAndEbid) => {
  const at = dayAndEbid.indexOf(' ')
  const block = new Uint8Array(Buffer.from(dayAndEbid.slice(at + 1), 'latin1'))
  readable.skinnyDecrypt(slow.get(Number(dayAndEbid.slice(0, at)) as UtcDay)!, block)
  return block
})
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const mac = (key: Uint8Array, hello: Uint8Array): Buffer =>
  createHmac('sha256', key).update(Uint8Array.of(CODE.hello)).update(hello.subarray(0, 11)).digest().subarray(0, 5)
const oracle: Omit<Oracle, 'calendar'> = {
  ...context,
  stream: (ebid) => aes(latin1(ebid)),
  decrypt: (day, ebid) => (slow.has(day) ? opened(`${day} ${latin1(ebid)}`) : undefined),
  keyOf: (id) => users.get(id),
  macFits: (key, hello) => mac(key, hello).equals(hello.subarray(11, 16)),
}

/** Some time around the contagious period, every second one within seconds of a midnight or of an epoch beside it. */
function someTime({ serviceStart, epochDuration }: Calendar): UnixSeconds {
  const any = (serviceStart + below(NOW + 7200 - serviceStart)) as UnixSeconds
  if (below(2) === 0) return any
  return later(dayStart(dayOf(any)), epochDuration * oneOf(-2, -1, 0, 1, 2) + below(25) - 12)
}

/** An item as an honest phone uploads it; now and then under the key of another day. */
function honest(calendar: Calendar): Uint8Array {
  const id = oneOf(...ids)
  const emitted = someTime(calendar)
  const epoch = (epochAt(calendar, emitted) + oneOf(0, 0, 0, 0, -1, 1, 2)) as Epoch
  const block = Buffer.alloc(8)
  block.writeUIntBE(Math.max(epoch, 0), 0, 3)
  block.writeUIntBE(id, 3, 5)
  const key = slow.get((dayOfEpoch(calendar, epoch) + oneOf(0, 0, 0, 0, 0, 0, 1, -1)) as UtcDay)
  if (key !== undefined) readable.skinnyEncrypt(key, block)
  const item = Buffer.alloc(SIZE.item)
  item[0] = aes(latin1(block)) ^ oneOf(FRANCE, FRANCE, FRANCE, FRANCE, GERMANY, 44, 7)
  block.copy(item, 1)
  item.writeUInt16BE(ntpOf(emitted) % 65_536, 9)
  item.set(mac(users.get(id)!, item), 11)
  item.writeUInt32BE((ntpOf(emitted) + below(23) - 11) % 2 ** 32, 16)
  item[20] = below(256)
  return item
}

/** Fields of an item: offset and length. */
const FIELDS = { ecc: [0, 1], ebid: [1, 8], time16: [9, 2], mac: [11, 5], time: [16, 4], signal: [20, 1] } as const

/** Half of the items as they are, of half one field spoilt: a bit, a small difference, or all of it. */
function spoil(item: Uint8Array): void {
  if (below(2) === 0) return
  const [offset, length] = oneOf(...Object.values(FIELDS))
  const how = below(3)
  if (how === 0) item[offset + below(length)]! ^= 1 << below(8)
  else if (how === 1) item[offset + length - 1]! += oneOf(1, -1, 12, -12, 13)
  else item.set(random(length), offset)
}

for (const [name, calendar] of Object.entries(CALENDARS)) {
  test(`ROBERT §6.2: a million items, valid and corrupted in every field, judged in batches as the text judges each (${name})`, () => {
    const seen = new Map<string, number>()
    const base = Array.from({ length: 20_000 }, () => honest(calendar))
    for (let done = 0; done < MILLION; done += BATCH) judgeBatch(base, calendar, seen)
    // Every outcome came up, and often.
    for (const outcome of ['local', 'foreign', ...Object.keys(CONTACT_REFUSALS)]) {
      assert.ok((seen.get(outcome) ?? 0) > 500, `${outcome}: ${seen.get(outcome) ?? 0}`)
    }
  })
}

/** Judges a batch of items, half of them spoilt, and counts the outcomes. */
function judgeBatch(base: readonly Uint8Array[], calendar: Calendar, seen: Map<string, number>): void {
  const items = new Uint8Array(SIZE.item * BATCH)
  for (let k = 0; k < BATCH; k++) {
    const item = items.subarray(SIZE.item * k, SIZE.item * (k + 1))
    item.set(base[below(base.length)]!)
    spoil(item)
  }
  const batch = { ...context, calendar }
  const text = { ...oracle, calendar }
  const verdicts = decideContacts(locateContacts(items, batch, NOW), table, batch, NOW)
  for (let k = 0; k < BATCH; k++) {
    const item = items.subarray(SIZE.item * k, SIZE.item * (k + 1))
    const [found, expected] = [verdictOf(verdicts, k), judgeItem(item, text, NOW)]
    if (!same(found, expected)) assert.deepEqual(found, expected, `item ${latin1(item)} of seed ${seed}`)
    const name = expected.route === 'refused' ? expected.reason : expected.route
    seen.set(name, (seen.get(name) ?? 0) + 1)
  }
}

/** `deepEqual` for verdicts, fast. */
function same(a: ContactVerdict, b: ContactVerdict): boolean {
  if (a.route === 'refused' && b.route === 'refused') return a.reason === b.reason
  if (a.route === 'foreign' && b.route === 'foreign') return a.countryCode === b.countryCode
  if (a.route !== 'local' || b.route !== 'local' || a.id !== b.id) return false
  const [x, y] = [a.exposure, b.exposure]
  return x.epoch === y.epoch && x.slot === y.slot && x.weight === y.weight
}

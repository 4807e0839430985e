// ROBERT §6.2, one item at a time: what is accepted, and every step that refuses.
import { type ContactInput, judgeContact } from '../second/contact.ts'
import { flipBit, type Hex } from '../second/hex.ts'
import { ebidOf, eccOf, helloOf, itemOf } from '../second/messages.ts'
import { dayOfEpoch, epochAt, type Service } from '../second/time.ts'
import {
  AUTHENTICATION_KEY,
  at,
  type Case,
  COUNTRY,
  draw,
  FEDERATION_KEY,
  ID,
  keysOf,
  SERVICE,
  type Sections,
  START,
  serverKeyOf,
  startOf,
} from './case.ts'

interface Meeting {
  readonly emitted: bigint
  readonly received?: bigint
  /** Epoch of the identifier; else that of the emission. */
  readonly epoch?: number
  readonly id?: Hex
  readonly country?: Hex
  readonly signal?: Hex
  readonly authenticationKey?: Hex
  /** Day of the server key that made the identifier; else that of its epoch. */
  readonly keyDay?: bigint
  readonly changed?: (item: Hex) => Hex
}

const GERMANY = '31'
const NOON = at('2026-03-05T12:00:00Z')
const NOW = at('2026-03-06T12:00:00Z')
/** Full minutes at -48 dBm. */
const STRONG = '55'

function itemFor(meeting: Meeting, service: Service): Hex {
  const { emitted, received = emitted, id = ID, country = COUNTRY, signal = STRONG } = meeting
  const epoch = BigInt(meeting.epoch ?? epochAt(service, emitted))
  const ebid = ebidOf(serverKeyOf(meeting.keyDay ?? dayOfEpoch(service, epoch)), epoch, id)
  const ecc = eccOf(FEDERATION_KEY, ebid, country)
  const hello = helloOf(meeting.authenticationKey ?? AUTHENTICATION_KEY, ecc, ebid, emitted)
  const item = itemOf(hello, received, signal)
  return meeting.changed?.(item) ?? item
}

function contact(name: string, meeting: Meeting, changed: Partial<ContactInput> = {}): Case {
  const input: ContactInput = {
    service: SERVICE,
    now: NOW,
    tolerance: 12n,
    inclusive: false,
    contagiousDays: 14n,
    countryCode: COUNTRY,
    peers: [],
    federationKey: FEDERATION_KEY,
    serverKeys: keysOf(...daysAround(meeting.received ?? meeting.emitted)),
    users: [{ id: ID, authenticationKey: AUTHENTICATION_KEY }],
    ...changed,
  }
  const item = itemFor(meeting, input.service)
  const { service, inclusive, ...rest } = input
  const users = rest.users.map(({ id, authenticationKey }) => ({ id, authenticationKey }))
  const plain = { item, ...service, comparison: inclusive ? 'inclusive' : 'strict', ...rest, users }
  return { name, input: plain, expected: judgeContact(item, input) }
}

const UNIX_0 = at('1970-01-01T00:00:00Z')
const daysAround = (time: bigint): bigint[] => {
  const day = (time - UNIX_0) / 86_400n
  return [day - 1n, day, day + 1n]
}

function acceptedCases(): Case[] {
  const slots = [0n, 299n, 300n, 599n, 600n, 899n].map((into) =>
    contact(`accepted: ${into} s into the epoch`, { emitted: NOON + into }),
  )
  const durations = [300n, 600n, 1200n].map((epochDuration) =>
    contact(
      `accepted: epochs of ${epochDuration} s, in their last second`,
      { emitted: NOON + epochDuration - 1n },
      { service: { serviceStart: START, epochDuration } },
    ),
  )
  const signals = ['00', '01', '88', '8d', '95', 'b5', 'bd', 'ff', '07'].map((signal) =>
    contact(`accepted: signal ${signal}`, { emitted: NOON, signal }),
  )
  return [
    ...slots,
    ...durations,
    ...signals,
    contact('accepted: the first second of the service', { emitted: START }),
    contact('accepted: 16-bit time ffff, heard at 0003', {
      emitted: at('2026-03-05T13:13:35Z'),
      received: at('2026-03-05T13:13:39Z'),
    }),
    contact('accepted: a HELLO of the epoch before, heard in the next', {
      emitted: NOON - 2n,
      received: NOON + 2n,
    }),
    contact('accepted: a HELLO of the epoch after, heard in the one before', {
      emitted: NOON + 2n,
      received: NOON - 2n,
    }),
    contact('accepted: the identifier of the next epoch already, in its first slot', {
      emitted: NOON - 2n,
      epoch: 432,
    }),
    contact('accepted: the identifier of the last epoch still, in its last slot', { emitted: NOON + 2n, epoch: 431 }),
    contact('accepted: the identifier of the next epoch 700 s too early, in its first slot', {
      emitted: NOON - 700n,
      epoch: 432,
    }),
    contact('accepted: the identifier of the last epoch 200 s too late, in its last slot', {
      emitted: NOON + 200n,
      epoch: 431,
    }),
    contact('accepted: sent at the end of a slot, heard in the next', { emitted: NOON + 299n, received: NOON + 301n }),
    contact('accepted: sent at the start of a slot, heard before it', { emitted: NOON + 301n, received: NOON + 299n }),
    contact('accepted: among two users', { emitted: NOON }, { users: twoUsers }),
  ]
}

const twoUsers = [
  { id: draw('another id', 5), authenticationKey: draw('another authentication key', 32) },
  { id: ID, authenticationKey: AUTHENTICATION_KEY },
]

function earlyCases(): Case[] {
  const off = (seconds: bigint, more: Partial<ContactInput> = {}, rule = 'strict, 12 s') =>
    contact(`${rule}: heard ${seconds} s after its time`, { emitted: NOON, received: NOON + seconds }, more)
  const tac = { tolerance: 180n, inclusive: true }
  const peers = [GERMANY]
  return [
    contact('step 1: an item of 20 bytes', { emitted: NOON, changed: (item) => item.slice(0, -2) }),
    contact('step 1: an item of 22 bytes', { emitted: NOON, changed: (item) => `${item}00` }),
    contact('step 1: no bytes', { emitted: NOON, changed: () => '' }),
    ...[-13n, -12n, -11n, 11n, 12n, 13n, 32_768n, 65_536n].map((seconds) => off(seconds)),
    ...[-181n, -180n, 180n, 181n].map((seconds) => off(seconds, tac, 'inclusive, 180 s')),
    contact('step 2 comes before step 3', { emitted: NOON, received: NOON + 60n, country: GERMANY }, { peers }),
    contact('step 3: of a country of the federation', { emitted: NOON, country: GERMANY }, { peers }),
    contact('step 3: of an unknown country goes on', { emitted: NOON, country: GERMANY }),
    contact('step 3: the own country in the list of peers stays', { emitted: NOON }, { peers: [COUNTRY, GERMANY] }),
    contact('step 3: a country code that was changed goes on, and the MAC refuses it', {
      emitted: NOON,
      changed: (item) => flipBit(item, 0),
    }),
  ]
}

function refusedCases(): Case[] {
  const day = daysAround(NOON)[1]!
  const stranger = draw('nobody', 5)
  const other = draw('another authentication key', 32)
  const flips = [1, 12, 40, 71, 72, 87, 88, 127].map((bit) =>
    contact(`bit ${bit} of the item flipped`, { emitted: NOON, changed: (item) => flipBit(item, bit) }),
  )
  return [
    contact('step 4: no server key', { emitted: NOON }, { serverKeys: {} }),
    contact('step 4: the key of another day only', { emitted: NOON }, { serverKeys: keysOf(day - 3n, day + 3n) }),
    contact('step 5: made under a key that is gone', { emitted: NOON, keyDay: day + 7n }),
    contact('step 5: an identifier of nobody', { emitted: NOON, id: stranger }),
    contact('step 5: there is no user', { emitted: NOON }, { users: [] }),
    contact('step 6: an epoch two too early', { emitted: NOON, epoch: 430 }),
    contact('step 6: an epoch two too late', { emitted: NOON, epoch: 434 }),
    contact('step 5: replayed 65,536 s later, at 06:12, when the key that made it is not tried any more', {
      emitted: NOON,
      received: NOON + 65_536n,
    }),
    contact('step 6: replayed 65,536 s later, at 00:12, when both keys are tried', {
      emitted: NOON - 21_600n,
      received: NOON - 21_600n + 65_536n,
    }),
    contact('step 6: replayed 65,536 s later, at 19:12 of the same day', {
      emitted: NOON - 39_600n,
      received: NOON - 39_600n + 65_536n,
    }),
    contact('step 6: one second before the service, with the identifier of epoch 0', { emitted: START - 1n, epoch: 0 }),
    contact('step 6 comes before step 8', { emitted: NOON, epoch: 434, authenticationKey: other }),
    contact('step 8: the MAC of another user', { emitted: NOON, authenticationKey: other }),
    contact('step 8: the time was changed within the tolerance', {
      emitted: NOON,
      changed: (item) => flipBit(item, 87),
    }),
    ...flips,
  ]
}

function midnightCases(): Case[] {
  const midnight = at('2026-03-06T00:00:00Z')
  const [before, day] = [daysAround(midnight)[0]!, daysAround(midnight)[1]!]
  const late = { emitted: midnight - 2n, received: midnight + 2n }
  const early = { emitted: midnight + 2n, received: midnight - 2n }
  return [
    contact('midnight: sent before it, heard after it, both keys', late),
    contact('midnight: sent before it, heard after it, the key of the day before only', late, {
      serverKeys: keysOf(before),
    }),
    contact('midnight: sent before it, heard after it, the key of the day after only', late, {
      serverKeys: keysOf(day),
    }),
    contact('midnight: sent after it, heard before it, both keys', early),
    contact('midnight: sent after it, heard before it, the key of the day before only', early, {
      serverKeys: keysOf(before),
    }),
    contact('midnight: the last second of a day', { emitted: midnight - 1n }),
    contact('midnight: the first second of a day', { emitted: midnight }),
    contact('midnight: an identifier of the next day, one second too early', { emitted: midnight - 1n, epoch: 480 }),
    contact('midnight: made under the key of the next day, six hours before it, when that key is not tried', {
      emitted: midnight - 21_600n,
      keyDay: day,
    }),
    ...[300n, 600n, 900n, 1200n].flatMap((epochDuration) => edgeCases(midnight, epochDuration)),
  ]
}

/** From two epochs before midnight until two epochs after it the key of the other day is tried. */
function edgeCases(midnight: bigint, epochDuration: bigint): Case[] {
  const service = { serviceStart: START, epochDuration }
  const day = daysAround(midnight)[1]!
  const first = Number(epochAt(service, midnight))
  const edge = (what: string, seconds: bigint, meeting: Partial<Meeting>, more: Partial<ContactInput> = {}) =>
    contact(
      `midnight, epochs of ${epochDuration} s: ${what}, ${seconds < 0n ? `${-seconds} s before` : `${seconds} s after`} it`,
      { emitted: midnight + seconds, ...meeting },
      { service, ...more },
    )
  const two = 2n * epochDuration
  return [
    edge('made under the key of the next day', -two - 1n, { keyDay: day }),
    edge('made under the key of the next day', -two, { keyDay: day }),
    edge('made under the key of the day before', two - 1n, { keyDay: day - 1n }),
    edge('made under the key of the day before', two, { keyDay: day - 1n }),
    edge('the first epoch of the next day', -epochDuration, { epoch: first }),
    edge('the first epoch of the next day', -epochDuration - 1n, { epoch: first }),
    edge('the first epoch of the next day', -two, { epoch: first }),
    edge('the first epoch of the next day', -two - 1n, { epoch: first }),
    edge('the last epoch of the day before', epochDuration - 1n, { epoch: first - 1 }),
    edge('the last epoch of the day before', epochDuration, { epoch: first - 1 }),
    edge('the last epoch of the day before', two - 1n, { epoch: first - 1 }),
    edge('the last epoch of the day before', two, { epoch: first - 1 }),
    edge('only the key of the day before is there', two - 1n, {}, { serverKeys: keysOf(day - 1n) }),
    edge('only the key of the day before is there', two, {}, { serverKeys: keysOf(day - 1n) }),
  ]
}

function ageCases(): Case[] {
  const start = startOf(432)
  const aged = (name: string, epochs: number, more: Partial<ContactInput> = {}) =>
    contact(name, { emitted: start }, { now: startOf(432 + epochs), ...more })
  return [
    aged('step 9: one epoch before CT', 1343),
    contact('step 9: one second before CT', { emitted: start }, { now: startOf(432 + 1344) - 1n }),
    aged('step 9: at CT exactly', 1344),
    aged('step 9: one epoch after CT', 1345),
    aged('step 9: CT of one day, one epoch before', 95, { contagiousDays: 1n }),
    aged('step 9: CT of one day, at it', 96, { contagiousDays: 1n }),
    aged('step 9: an epoch that comes next is accepted', -1),
    aged('step 9: an epoch that comes after the next', -2),
  ]
}

/** A service whose epochs do not begin at midnight, and one that reaches the last epoch of 24 bits. */
function calendarCases(): Case[] {
  const odd = { serviceStart: at('2026-03-01T12:07:30Z'), epochDuration: 900n }
  const midnight = at('2026-03-06T00:00:00Z')
  const over = [midnight - 1n, midnight, midnight + 449n, midnight + 450n].map((emitted) =>
    contact(`an epoch that lasts over midnight: ${emitted - midnight} s after it`, { emitted }, { service: odd }),
  )
  // An epoch that begins in the last second of a day lasts the farthest into the next.
  const latest = { serviceStart: START + 899n, epochDuration: 900n }
  const spans = Number(epochAt(latest, midnight))
  const spanning = [1798n, 1799n, 1800n].map((seconds) =>
    contact(
      `an epoch that begins one second before midnight: ${seconds} s after it`,
      { emitted: midnight + seconds, epoch: spans },
      { service: latest },
    ),
  )
  const long = { serviceStart: START, epochDuration: 300n }
  const last = startOf(2 ** 24 - 1, long)
  const end = { service: long, now: last + 600n }
  return [
    ...over,
    ...spanning,
    contact('24 bits: the last second of the last epoch', { emitted: last + 299n }, end),
    contact('24 bits: of the last epoch, heard after it', { emitted: last + 299n, received: last + 302n }, end),
    contact(
      '24 bits: the identifier of epoch 0, after the last epoch',
      { emitted: last + 300n, epoch: 0, keyDay: 78_767n },
      end,
    ),
  ]
}

function eraCases(): Case[] {
  const last = at('2036-02-07T06:28:15Z')
  return [-4n, 0n, 1n, 5n].flatMap((off) =>
    [last + 6n, last + 14n * 3600n].map((now) =>
      contact(
        `2036: sent ${off} s after the last second of era 0, judged ${now - last} s after it`,
        { emitted: last + off, received: last + off + 4n },
        { now },
      ),
    ),
  )
}

export const contactSections: Sections = {
  contact: [
    ...acceptedCases(),
    ...earlyCases(),
    ...refusedCases(),
    ...midnightCases(),
    ...ageCases(),
    ...calendarCases(),
    ...eraCases(),
  ],
}

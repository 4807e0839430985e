import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, dayOf, later, ntpOf, readUint, TOKEN, time16, toHex, type UnixSeconds } from '@vicinity/protocol'
import {
  DEFAULT_PARAMETERS,
  type Parameters,
  packItem,
  packSignal,
  parseHello,
  parseItem,
  SIZE,
  strengthClass,
} from '@vicinity/protocol/robert'
import fc from 'fast-check'
import { type Choice, chooseItems, type KeptItem, type Settings, type Window } from '../src/index.ts'
import { randomOf } from './random.ts'
import { DAY, HOUR, unix } from './world.ts'

const FROM = unix('2026-03-07T06:00:00Z')
const TO = unix('2026-03-09T18:00:00Z')
const window = (tokensPerDay: number): Window => ({ contagiousFrom: FROM, contagiousTo: TO, tokensPerDay, chunk: 64 })

interface Meeting {
  readonly person: number
  readonly time?: UnixSeconds
  readonly minutes?: number
  readonly strength?: number
}

/** What was heard of somebody in one slot. */
function heard({ person, time = later(FROM, HOUR), minutes = 5, strength = -50 }: Meeting): KeptItem {
  const ebid = randomOf(`identifier of ${person}`)(SIZE.ebid)
  const tail = new Uint8Array(7)
  tail[0] = Math.floor(time16(ntpOf(time)) / 256)
  tail[1] = time16(ntpOf(time)) % 256
  const signal = packSignal({ strengthClass: strengthClass(strength), minutes })
  return { time, item: packItem(concat(new Uint8Array(1), ebid, tail), ntpOf(time), signal) }
}

interface Chosen {
  readonly items?: readonly KeptItem[]
  readonly tokensPerDay?: number
  readonly filter?: Settings['filter']
  readonly parameters?: Partial<Parameters>
  readonly seed?: string
}

const choose = ({
  items = [],
  tokensPerDay = 8,
  filter = 'default',
  parameters = {},
  seed = 'choice',
}: Chosen): Choice =>
  chooseItems(items, window(tokensPerDay), { ...DEFAULT_PARAMETERS, ...parameters }, filter, randomOf(seed))

const itemsOf = (choice: Choice): Uint8Array[] =>
  Array.from({ length: choice.items.length / SIZE.item }, (_, k) =>
    choice.items.subarray(SIZE.item * k, SIZE.item * (k + 1)),
  )

/** Which of the items that were heard were chosen, by their place. */
function chosenOf(items: readonly KeptItem[], options: Omit<Chosen, 'items'> = {}): number[] {
  const chosen = new Set(itemsOf(choose({ items, ...options })).map(toHex))
  return items.flatMap(({ item }, k) => (chosen.has(toHex(item)) ? [k] : []))
}

const unixOfItem = (item: Uint8Array): number => readUint(item, SIZE.hello, 4) - 2_208_988_800

test('every day of the window has exactly its number of entries, however many people were met', () => {
  const crowd = Array.from({ length: 100 }, (_, person) => heard({ person }))
  for (const items of [[], [heard({ person: 1 })], crowd]) {
    const choice = choose({ items })
    const days = itemsOf(choice).map((item) => Math.floor(unixOfItem(item) / DAY))
    const first = dayOf(FROM)
    assert.equal(choice.firstDay, first)
    assert.deepEqual(
      days,
      [0, 1, 2].flatMap((k) => Array(8).fill(first + k)),
    )
    assert.equal(choice.randoms.length, 24 * TOKEN.random)
  }
})

test('ROBERT §6.1: only what was heard strictly inside the window', () => {
  const times = [later(FROM, -1), FROM, later(FROM, 1), later(TO, -1), TO, later(TO, 1)]
  const items = times.map((time, person) => heard({ person, time }))
  assert.deepEqual(chosenOf(items, { filter: 'none' }), [2, 3])
})

test('a window that ends at midnight does not count the day that begins there', () => {
  const midnight = unix('2026-03-09T00:00:00Z')
  const cut = { ...window(4), contagiousTo: midnight }
  const choice = chooseItems([], cut, DEFAULT_PARAMETERS, 'none', randomOf('x'))
  assert.equal(itemsOf(choice).length, 8)
})

test('an identifier heard in fewer minutes than the filter wants is left out; minutes of its items add up', () => {
  const items = [
    heard({ person: 1, minutes: 1 }),
    heard({ person: 2, minutes: 1 }),
    heard({ person: 2, minutes: 1, time: later(FROM, 2 * HOUR) }),
    heard({ person: 3, minutes: 0 }),
    heard({ person: 4, minutes: 2 }),
  ]
  assert.deepEqual(chosenOf(items), [1, 2, 4])
  assert.deepEqual(chosenOf(items, { parameters: { filterMinutes: 1 } }), [0, 1, 2, 3, 4])
  assert.deepEqual(chosenOf(items, { filter: 'none' }), [0, 1, 2, 3, 4])
})

test('an identifier that was only heard from afar is left out; unknown strength passes', () => {
  const unknown = heard({ person: 3 })
  unknown.item[SIZE.item - 1] = packSignal({ strengthClass: 0, minutes: 5 })
  const items = [
    heard({ person: 1, strength: -80 }),
    heard({ person: 2, strength: -80 }),
    heard({ person: 2, strength: -60, time: later(FROM, 2 * HOUR) }),
    unknown,
  ]
  assert.deepEqual(chosenOf(items), [1, 2, 3])
  assert.deepEqual(chosenOf(items, { filter: 'none' }), [0, 1, 2, 3])
})

test('more than the day holds: one item of each identifier first, the longest heard', () => {
  const items = [
    ...[1, 2, 3, 4].map((minutes, k) => heard({ person: 1, minutes, time: later(FROM, HOUR + 300 * k) })),
    heard({ person: 2, minutes: 2 }),
    heard({ person: 3, minutes: 3 }),
  ]
  assert.deepEqual(chosenOf(items, { tokensPerDay: 4 }), [2, 3, 4, 5])
  assert.deepEqual(chosenOf(items, { tokensPerDay: 3 }), [3, 4, 5])
  assert.deepEqual(chosenOf(items, { tokensPerDay: 2 }), [3, 5])
  assert.deepEqual(chosenOf(items, { tokensPerDay: 1 }), [3])
})

test('a dummy looks like an item: its 16-bit time fits its Time, which lies in its day and in the window', () => {
  for (const item of itemsOf(choose({ tokensPerDay: 256 }))) {
    const { hello, signal } = parseItem(item)
    const time = unixOfItem(item) as UnixSeconds
    assert.equal(parseHello(hello).time16, time16(ntpOf(time)))
    assert.ok(time > FROM && time < TO)
    assert.ok(signal.strengthClass >= 1 && signal.strengthClass <= 31 && signal.minutes >= 1 && signal.minutes <= 5)
  }
})

test('entries of the log that are no items are passed over', () => {
  const items = [{ time: later(FROM, 10), item: new Uint8Array(20) }, heard({ person: 1 })]
  assert.deepEqual(chosenOf(items), [1])
})

test('the randoms are all different, and equal seeds give equal choices', () => {
  const choice = choose({ seed: 'a' })
  const randoms = Array.from({ length: 24 }, (_, k) => toHex(choice.randoms.subarray(32 * k, 32 * (k + 1))))
  assert.equal(new Set(randoms).size, 24)
  assert.deepEqual(choose({ seed: 'a' }), choice)
  assert.notDeepEqual(choose({ seed: 'b' }), choice)
})

test('property: the number of entries of each day never depends on what was heard', () => {
  const meeting = fc.record({
    person: fc.integer({ min: 0, max: 9 }),
    time: fc.integer({ min: FROM - DAY, max: TO + DAY }).map((time) => time as UnixSeconds),
    minutes: fc.integer({ min: 0, max: 7 }),
    strength: fc.integer({ min: -100, max: 0 }),
  })
  const filter = fc.constantFrom('none', 'default' as const)
  fc.assert(
    fc.property(fc.array(meeting), fc.integer({ min: 1, max: 20 }), filter, (meetings, tokensPerDay, filtered) => {
      const choice = choose({ items: meetings.map(heard), tokensPerDay, filter: filtered })
      const days = itemsOf(choice).map((item) => Math.floor(unixOfItem(item) / DAY) - choice.firstDay)
      assert.deepEqual(
        days,
        [0, 1, 2].flatMap((day) => Array(tokensPerDay).fill(day)),
      )
    }),
  )
})

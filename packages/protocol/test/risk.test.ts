import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, toHex } from '../src/bytes.ts'
import { packSignal, strengthClass, unpackSignal } from '../src/robert/item.ts'
import { DEFAULT_PARAMETERS, type Parameters, withParameters } from '../src/robert/parameters.ts'
import {
  type Exposure,
  exposureWeight,
  isExpired,
  packExposure,
  riskOf,
  unpackExposures,
  withoutExpired,
} from '../src/robert/risk.ts'
import { type Calendar, type Epoch, epochsIn } from '../src/time.ts'
import { calendar, holds, leeOf } from './fixture.ts'

const NOW = 2900 as Epoch
const CT = 1344
const NEVER = -1
const SAFE = { atRisk: false }
const risk = (lee: Uint8Array, after = NEVER, parameters = DEFAULT_PARAMETERS) =>
  riskOf('slots-1', lee, NOW, after, calendar, parameters)

test('ROBERT §3.2.1: an exposure is packed in 4 bytes: epoch 3 | slot 2 bits | weight 6 bits', () => {
  assert.equal(toHex(leeOf([0x010203, 2, 50])), '010203b2')
  assert.equal(toHex(leeOf([0xffffff, 3, 63])), 'ffffffff')
  holds(
    fc.property(fc.array(fc.tuple(fc.nat(0xffffff), fc.nat(3), fc.nat(63)), { maxLength: 9 }), (exposures) => {
      const expected = exposures.map(([epoch, slot, weight]) => ({ epoch, slot, weight }))
      assert.deepEqual(unpackExposures(leeOf(...exposures)), expected)
    }),
  )
})

test('the weight of an item is its minutes times 1, a half or nothing by strength, in tenths', () => {
  const weight = (strength: number | undefined, minutes: number) =>
    exposureWeight({ strengthClass: strengthClass(strength), minutes }, DEFAULT_PARAMETERS)
  assert.equal(weight(-30, 5), 50)
  assert.equal(weight(-63, 5), 50)
  assert.equal(weight(-64, 5), 25)
  assert.equal(weight(-73, 3), 15)
  assert.equal(weight(-74, 5), 0)
  assert.equal(weight(undefined, 5), 50)
  assert.equal(weight(undefined, 0), 10)
  assert.equal(weight(-70, 0), 5)
})

test('the weight of every signal byte fits its six bits', () => {
  for (let byte = 0; byte < 256; byte++) {
    const weight = exposureWeight(unpackSignal(byte), DEFAULT_PARAMETERS)
    assert.ok(Number.isInteger(weight) && weight >= 0 && weight <= 50, `${byte}`)
  }
})

test('the authority may move the strengths that count', () => {
  const parameters = withParameters({ fullStrength: -50, halfStrength: -60 })
  const weights = [-50, -52, -60, -62].map((strength) =>
    exposureWeight(unpackSignal(packSignal({ strengthClass: strengthClass(strength), minutes: 2 })), parameters),
  )
  assert.deepEqual(weights, [20, 10, 10, 0])
})

test('ROBERT §6.2 footnote 17: an epoch is expired when i - j >= CT, at CT exactly', () => {
  assert.ok(!isExpired(NOW - CT + 1, NOW, CT))
  assert.ok(isExpired(NOW - CT, NOW, CT))
  assert.ok(isExpired(NOW - CT - 1, NOW, CT))
  assert.ok(!isExpired(NOW + 1, NOW, CT))
})

test('ROBERT §6.2 footnote 17: expired entries go, the others stay in their order', () => {
  const kept = leeOf([NOW, 0, 10], [NOW - CT + 1, 2, 50])
  const lee = concat(leeOf([NOW - CT, 3, 63]), kept.subarray(0, 4), leeOf([0, 0, 1]), kept.subarray(4))
  assert.equal(toHex(withoutExpired(lee, NOW, CT)), toHex(kept))
  assert.equal(withoutExpired(kept, NOW, CT), kept)
  assert.equal(withoutExpired(leeOf([1, 0, 1]), NOW, CT).length, 0)
})

test('ROBERT §7: fifteen minutes in three slots put a user at risk; the newest slot is named', () => {
  assert.deepEqual(risk(leeOf([2000, 0, 50], [2000, 1, 50], [2000, 2, 50])), { atRisk: true, newest: 2000 })
  assert.deepEqual(risk(leeOf([2000, 2, 50], [2001, 0, 50], [2001, 1, 50])), { atRisk: true, newest: 2001 })
  assert.deepEqual(risk(new Uint8Array(0)), SAFE)
})

test('ROBERT §7: a tenth of a minute less is no risk, nor are two slots however heavy', () => {
  assert.deepEqual(risk(leeOf([2000, 0, 50], [2000, 1, 50], [2000, 2, 49])), SAFE)
  assert.deepEqual(risk(leeOf([2000, 0, 50], [2000, 0, 50], [2000, 1, 50], [2000, 1, 50])), SAFE)
  const third = leeOf([2000, 0, 50], [2000, 0, 50], [2000, 1, 50], [2000, 2, 1])
  assert.deepEqual(risk(third), { atRisk: true, newest: 2000 })
})

test('of each slot the two largest weights count, in whatever order they came', () => {
  for (const slot of [0, 1, 2]) {
    const many = [1, 2, 3, 4, 5].map((weight) => leeOf([2000, slot, weight * 10]))
    const [next, last] = [(slot + 1) % 3, (slot + 2) % 3]
    for (const order of [many, many.toReversed()]) {
      assert.deepEqual(risk(concat(leeOf([2000, next, 30], [2000, last, 29]), ...order)), SAFE)
      const enough = concat(...order, leeOf([2000, last, 30], [2000, next, 30]))
      assert.deepEqual(risk(enough), { atRisk: true, newest: 2000 })
    }
  }
})

test('slots that weigh nothing are no slots', () => {
  assert.deepEqual(risk(leeOf([2000, 0, 50], [2000, 0, 50], [2000, 1, 50], [2000, 2, 0])), SAFE)
})

test('only 24 hours count together: slots 288 apart do not', () => {
  const first = [leeOf([2000, 0, 50]), leeOf([2000, 1, 50])] as const
  assert.deepEqual(risk(concat(...first, leeOf([2095, 2, 50]))), { atRisk: true, newest: 2095 })
  assert.deepEqual(risk(concat(...first, leeOf([2096, 0, 50]))), SAFE)
  const third = concat(leeOf([2000, 0, 50]), leeOf([2000, 1, 50]), leeOf([2096, 0, 50]))
  assert.deepEqual(risk(concat(third, leeOf([2050, 0, 50]))), { atRisk: true, newest: 2096 })
})

test('slots that are more than 24 hours old do not make two heavy ones three', () => {
  const heavy = leeOf([2200, 0, 50], [2200, 0, 50], [2200, 1, 50], [2200, 1, 50])
  assert.deepEqual(risk(concat(leeOf([2000, 0, 1], [2000, 1, 1], [2000, 2, 1]), heavy)), SAFE)
})

test('exposures that are not enough together do not hide earlier ones that were', () => {
  const early = leeOf([2100, 0, 50], [2100, 1, 50], [2100, 2, 50])
  assert.deepEqual(risk(concat(early, leeOf([2700, 0, 50]))), { atRisk: true, newest: 2100 })
})

test('the newest exposure is at most 10 days old, to the epoch', () => {
  const at = (epoch: number) => risk(leeOf([epoch, 0, 50], [epoch, 1, 50], [epoch, 2, 50]))
  assert.deepEqual(at(NOW - 960), { atRisk: true, newest: NOW - 960 })
  assert.deepEqual(at(NOW - 961), SAFE)
})

test('expired exposures no longer count, at CT exactly', () => {
  const parameters = withParameters({ contagiousDays: 10 })
  const lee = (epoch: number) => leeOf([epoch, 0, 50], [epoch, 1, 50], [epoch, 2, 50])
  assert.deepEqual(risk(lee(NOW - 960), NEVER, parameters), SAFE)
  assert.deepEqual(risk(lee(NOW - 959), NEVER, parameters), { atRisk: true, newest: NOW - 959 })
})

test('exposures up to the one that warned before do not count again', () => {
  const lee = leeOf([2000, 0, 50], [2001, 1, 50], [2002, 2, 50], [2003, 0, 50])
  assert.deepEqual(risk(lee, 2000), { atRisk: true, newest: 2003 })
  assert.deepEqual(risk(lee, 2001), SAFE)
  assert.deepEqual(risk(leeOf([0, 0, 50]), 0), SAFE)
})

/** The same function, written down as the sentence of the design says it, in quadratic time. */
function riskByDefinition(
  exposures: readonly Exposure[],
  now: number,
  after: number,
  of: Calendar,
  parameters: Parameters,
) {
  const slotsPerEpoch = of.epochDuration / 300
  const counted = exposures.filter((e) => e.epoch > after && now - e.epoch < epochsIn(of, 14))
  const places = [...new Set(counted.map((e) => e.epoch * slotsPerEpoch + e.slot))]
  const weights = places.map((place) => {
    const here = counted.filter((e) => e.epoch * slotsPerEpoch + e.slot === place).map((e) => e.weight)
    return {
      place,
      weight: here
        .sort((a, b) => b - a)
        .slice(0, 2)
        .reduce((sum, weight) => sum + weight, 0),
    }
  })
  const heavy = weights.filter(({ weight }) => weight > 0)
  const sufficient = heavy.filter(({ place }) => {
    const day = heavy.filter((other) => other.place <= place && place - other.place < 288)
    const minutes = day.reduce((sum, { weight }) => sum + weight, 0) / 10
    return day.length >= parameters.riskSlots && minutes >= parameters.riskMinutes
  })
  const fresh = sufficient.map(({ place }) => Math.floor(place / slotsPerEpoch))
  const newest = Math.max(...fresh.filter((epoch) => now - epoch <= epochsIn(of, 10)))
  return newest === -Infinity ? SAFE : { atRisk: true, newest }
}

/** Exposures of the last 18 days, most of them close together or in one slot so that about half the lists warn. */
const someExposures = (epochDuration: number) => {
  const slots = Math.min(epochDuration / 300, 4)
  const span = (18 * 86_400) / epochDuration
  const near = fc.tuple(fc.oneof(fc.nat(1), fc.nat(150)), fc.nat(slots - 1), fc.oneof(fc.nat(50), fc.constant(50)))
  const cluster = fc.tuple(fc.nat(span), fc.array(near, { maxLength: 12 }))
  return fc
    .array(cluster, { maxLength: 4 })
    .map((clusters) =>
      clusters.flatMap(([start, list]) =>
        list.map(([off, slot, weight]) => ({ epoch: Math.max(10_000 - start + off, 0) as Epoch, slot, weight })),
      ),
    )
}

test('the risk is what its definition says, whatever the parameters, and no order of exposures changes it', () => {
  const verdicts = { warned: 0, safe: 0 }
  const thresholds = fc.record({
    riskMinutes: fc.integer({ min: 1, max: 40 }),
    riskSlots: fc.integer({ min: 1, max: 6 }),
  })
  for (const epochDuration of [300, 900, 1200]) {
    const of = { ...calendar, epochDuration }
    const exposures = fc.tuple(someExposures(epochDuration), fc.option(fc.nat(300)), fc.infiniteStream(fc.nat()))
    holds(
      fc.property(exposures, thresholds, ([list, back, order], chosen) => {
        const after = back === null ? NEVER : 10_000 - back
        const parameters = withParameters(chosen)
        const judge = (some: readonly Exposure[]) =>
          riskOf('slots-1', concat(...some.map(packExposure)), 10_000 as Epoch, after, of, parameters)
        const found = judge(list)
        assert.deepEqual(found, riskByDefinition(list, 10_000, after, of, parameters))
        verdicts[found.atRisk ? 'warned' : 'safe']++
        const shuffled = list.map((exposure) => [order.next().value, exposure] as const).sort(([a], [b]) => a - b)
        assert.deepEqual(judge(shuffled.map(([, exposure]) => exposure)), found)
      }),
      500,
    )
  }
  assert.ok(verdicts.warned > 50 && verdicts.safe > 50, JSON.stringify(verdicts))
})

test('more exposures never take a risk away', () => {
  holds(
    fc.property(someExposures(900), someExposures(900), (list, more) => {
      const before = riskOf(
        'slots-1',
        concat(...list.map(packExposure)),
        10_000 as Epoch,
        NEVER,
        calendar,
        DEFAULT_PARAMETERS,
      )
      const both = concat(...[...list, ...more].map(packExposure))
      const after = riskOf('slots-1', both, 10_000 as Epoch, NEVER, calendar, DEFAULT_PARAMETERS)
      assert.ok(after.atRisk || !before.atRisk)
      if (before.atRisk && after.atRisk) assert.ok(after.newest >= before.newest)
    }),
    400,
  )
})

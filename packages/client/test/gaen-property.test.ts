// Whatever happens in whatever order, with a clock that jumps: the phone of GAEN does not throw and keeps its promises.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ascii, toHex, type UnixSeconds } from '@vicinity/protocol'
import {
  intervalAt,
  parseAdvertisement,
  REPORT_TYPE,
  ROLLING_PERIOD,
  rollingProximityIdentifierKey,
  rollingProximityIdentifiers,
} from '@vicinity/protocol/gaen'
import fc from 'fast-check'
import { advertisementOf, type GaenEvent, snapshotGaen } from '../src/gaen/index.ts'
import { bytes, DAY, type Fate, fileOf, GaenWorld, HOUR, json, NOON, Person, quickRandom } from './gaen-world.ts'

const other = new Person('other')
const blob = (most: number) => fc.uint8Array({ maxLength: most })
const call = fc.integer({ min: 0, max: 15 })
const body = fc.oneof(
  blob(60),
  fc
    .constantFrom('{}', '[]', '{"token":"t"}', '{"certificate":"c"}', '{"code":"bad_request"}', '1.zip\n2.zip')
    .map(ascii),
)
const exposure = fc.record({
  keyData: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  key: fc.constant(other.keyOf(NOON)),
  revised: fc.boolean(),
  sightings: fc.constant([]),
})

/** Events as they come, and such as no honest host would make. */
const wild: fc.Arbitrary<GaenEvent> = fc.oneof(
  fc.constantFrom<GaenEvent>({ type: 'install' }, { type: 'wake' }, { type: 'leave' }),
  fc.record({
    type: fc.constant('heard' as const),
    advertisement: fc.oneof(blob(40), fc.constant(other.advertisementAt(NOON))),
    strength: fc.double(),
  }),
  fc.record({
    type: fc.constant('answered' as const),
    call,
    status: fc.constantFrom(200, 301, 400, 404, 429, 500),
    body,
  }),
  fc.record({ type: fc.constant('failed' as const), call }),
  fc.record({
    type: fc.constant('matched' as const),
    file: fc.constantFrom('1.zip', '2.zip', ''),
    trusted: fc.boolean(),
    keys: fc.array(exposure, { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('declare' as const), code: fc.constantFrom('12345678', 'x', '') }),
  fc.record({ type: fc.constant('consent' as const), given: fc.boolean() }),
)

type Happening =
  | { readonly kind: 'event'; readonly event: GaenEvent }
  | { readonly kind: 'pass'; readonly seconds: number }
  | { readonly kind: 'network'; readonly fates: readonly (Fate | undefined)[] }
  | { readonly kind: 'crash' | 'settle' | 'meet' | 'export' | 'revoke' }
  | { readonly kind: 'testType'; readonly testType: string }
  | { readonly kind: 'clock'; readonly skew: number }

const fate = fc.constantFrom<Fate | undefined>(
  ...([undefined, undefined, undefined, 'failed', 'silence'] as const),
  ...[
    json(503, {}),
    json(404, {}),
    json(400, { code: 'missing_revision_token' }),
    json(200, {}),
    bytes(ascii('<html>')),
  ],
)
const kindOf = <Kind extends string>(...kinds: Kind[]) => fc.record({ kind: fc.constantFrom(...kinds) })
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('event' as const), event: wild }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 0, max: 12 * HOUR }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('network' as const), fates: fc.array(fate, { minLength: 1 }) }),
  },
  { weight: 3, arbitrary: kindOf('crash', 'settle', 'meet', 'export', 'revoke') },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('testType' as const),
      testType: fc.constantFrom('confirmed', 'likely', 'negative', ''),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      skew: fc.oneof(fc.integer({ min: -2 * HOUR, max: 2 * HOUR }), fc.integer({ min: -30 * DAY, max: 30 * DAY })),
    }),
  },
)

function live(world: GaenWorld, each: Happening): void {
  if (each.kind === 'event') world.step(each.event)
  else if (each.kind === 'pass') world.pass(each.seconds)
  else if (each.kind === 'crash') world.crash()
  else if (each.kind === 'settle') world.settle()
  else if (each.kind === 'meet') world.meets(other, 3)
  else if (each.kind === 'export') world.files.set(`${world.files.size}.zip`, fileOf([other.keyOf(NOON)]))
  else if (each.kind === 'clock') world.skew = each.skew
  else if (each.kind === 'testType') world.testType = each.testType
  else if (each.kind === 'network') {
    let next = 0
    world.fate = () => each.fates[next++ % each.fates.length]
  } else {
    const revised = [other.keyOf(NOON, { reportType: REPORT_TYPE.revoked })]
    world.files.set(`${world.files.size}.zip`, fileOf([], { revised }))
  }
}

const newWorld = (options: { restarts?: boolean; chaff?: boolean } = {}) =>
  new GaenWorld({
    random: quickRandom(7),
    restarts: options.restarts ?? false,
    settings: { chaff: options.chaff ?? true },
  }).install()
const happenings = fc.array(happening, { maxLength: 30 })
const RUNS = { numRuns: 120 }

/** Sees every step of a world with the advertisement before it. */
function watch(
  world: GaenWorld,
  see: (before: Uint8Array | undefined, rotated: boolean, at: UnixSeconds) => void,
): void {
  const step = world.step.bind(world)
  world.step = (event) => {
    const before = advertisementOf(world.state)
    const effects = step(event)
    see(
      before,
      effects.some(({ type }) => type === 'rotateAddress'),
      world.phoneNow,
    )
    return effects
  }
}

const identifierOf = (advertisement: Uint8Array) => toHex(parseAdvertisement(advertisement).rollingProximityIdentifier)

test('property: the address changes exactly when the identifier does, to that of the interval of the moment', () => {
  fc.assert(
    fc.property(happenings, (sequence) => {
      const world = newWorld()
      watch(world, (before, rotated, at) => {
        const now = advertisementOf(world.state)
        if (now === undefined) return
        assert.equal(rotated, before === undefined || identifierOf(before) !== identifierOf(now))
        if (!rotated) return
        const key = world.state.keys.find(({ rollingStart, rollingPeriod }) => {
          const k = intervalAt(at) - rollingStart
          return k >= 0 && k < ROLLING_PERIOD && rollingPeriod === ROLLING_PERIOD
        })!
        const identifierKey = rollingProximityIdentifierKey(key.keyData)
        assert.equal(identifierOf(now), toHex(rollingProximityIdentifiers(identifierKey, intervalAt(at), 1)))
      })
      for (const each of sequence) live(world, each)
    }),
    RUNS,
  )
})

test('property: as long as the clock only goes forward no identifier is ever sent again, and none lives longer than 20 minutes', () => {
  fc.assert(
    fc.property(happenings, (sequence) => {
      const world = newWorld()
      const seen = new Set<string>()
      let changed = world.now
      watch(world, (_, rotated, at) => {
        const now = advertisementOf(world.state)
        if (now === undefined || !rotated) return
        assert.ok(!seen.has(identifierOf(now)))
        seen.add(identifierOf(now))
        changed = at
      })
      for (const each of sequence) {
        // Who leaves and comes back has a new key.
        if (each.kind !== 'clock') live(world, each)
        if (world.state.installed) assert.ok(world.now - changed <= 1200 || world.state.wakeAt! <= world.now)
      }
    }),
    RUNS,
  )
})

test('property: without chaff no byte is posted before the user consented to a code', () => {
  fc.assert(
    fc.property(happenings, (sequence) => {
      const world = newWorld({ chaff: false })
      const consents = (each: Happening) => each.kind === 'event' && each.event.type === 'consent' && each.event.given
      for (const each of sequence) if (!consents(each)) live(world, each)
      assert.deepEqual(
        world.sent().filter(({ request }) => request.method !== 'GET'),
        [],
      )
    }),
    RUNS,
  )
})

test('property: chaff never holds a key of the phone, nor a code, nor a token', () => {
  fc.assert(
    fc.property(happenings, (sequence) => {
      const world = newWorld()
      const names = new Set<string>()
      for (const each of sequence) {
        live(world, each)
        for (const { keyData } of world.state.keys) names.add(toHex(keyData))
      }
      for (const { request } of world.sent().filter(({ request: { headers } }) => headers['x-chaff'] !== undefined)) {
        const said = JSON.parse(request.body!)
        assert.ok(said.code === undefined || said.code === '00000000')
        assert.ok(said.revisionToken === undefined || said.revisionToken === '')
        for (const { key } of said.temporaryExposureKeys ?? [])
          assert.ok(!names.has(Buffer.from(key, 'base64').toString('hex')))
      }
    }),
    RUNS,
  )
})

test('property: one call at a time for each activity, a wake-up always ahead, keys in order and of limited number', () => {
  fc.assert(
    fc.property(happenings, (sequence) => {
      const world = newWorld()
      for (const each of sequence) {
        live(world, each)
        const { state } = world
        const numbers = world.sent().map((effect) => effect.call)
        assert.deepEqual(
          numbers,
          [...new Set(numbers)].sort((a, b) => a - b),
          'each has its own number',
        )
        const waiting = [state.download, state.publication, state.chaff].flatMap((it) => (it?.call ? [it.call] : []))
        assert.equal(new Set(waiting).size, waiting.length)
        if (!state.installed) continue
        assert.ok(state.wakeAt !== undefined)
        assert.ok(!(state.chaff !== undefined && state.publication?.call), 'one after the other')
        const starts = state.keys.map(({ rollingStart }) => rollingStart)
        assert.deepEqual(
          starts,
          [...starts].sort((a, b) => a - b),
        )
        for (const start of starts) {
          assert.equal(start % ROLLING_PERIOD, 0)
          assert.ok(starts.filter((it) => it === start).length <= 3)
        }
        assert.ok(state.keys.every(({ rollingPeriod }) => rollingPeriod >= 1 && rollingPeriod <= ROLLING_PERIOD))
      }
    }),
    RUNS,
  )
})

test('property: restarts from the snapshot change nothing', () => {
  fc.assert(
    fc.property(happenings, (sequence) => {
      const [whole, restarted] = [newWorld(), newWorld({ restarts: true })]
      for (const each of sequence) {
        live(whole, each)
        live(restarted, each)
      }
      assert.deepEqual(restarted.effects, whole.effects)
      assert.deepEqual(snapshotGaen(restarted.state), snapshotGaen(whole.state))
    }),
    { numRuns: 60 },
  )
})

test('property: when the network is back for two days, every file was read and no publication is left', () => {
  fc.assert(
    fc.property(happenings, (sequence) => {
      const world = newWorld()
      for (const each of sequence) live(world, each)
      world.fate = () => undefined
      world.settle()
      world.happens({ type: 'install' })
      world.files.set('last.zip', fileOf([]))
      world.happens({ type: 'wake' })
      world.pass(2 * DAY)
      assert.deepEqual([...world.state.read].sort(), [...world.files.keys()].sort())
      assert.ok(world.state.publication === undefined || world.state.publication.stage === 'code')
      assert.ok(world.state.rotateAt! > world.phoneNow)
    }),
    { numRuns: 60 },
  )
})

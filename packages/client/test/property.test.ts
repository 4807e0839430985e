// Whatever happens in whatever order: the phone does not throw, keeps its promises, and nothing of a declaration leaves without consent.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later, type UnixSeconds } from '@vicinity/protocol'
import { helloMacIsValid, SIZE } from '@vicinity/protocol/robert'
import fc from 'fast-check'
import { helloAt, type PhoneEvent } from '../src/index.ts'
import { DAY, type Fate, NOON, World } from './world.ts'

const bytes = (most: number) => fc.uint8Array({ maxLength: most })
const call = fc.integer({ min: 0, max: 12 })
const kept = fc.record({
  time: fc.integer({ min: NOON - 20 * DAY, max: NOON + 20 * DAY }).map((time) => time as UnixSeconds),
  item: fc.oneof(bytes(30), fc.uint8Array({ minLength: SIZE.item, maxLength: SIZE.item })),
})

/** Events as they come, and such as no honest host would make. */
const wild: fc.Arbitrary<PhoneEvent> = fc.oneof(
  fc.constantFrom<PhoneEvent>({ type: 'install' }, { type: 'wake' }),
  fc.record({ type: fc.constant('heard' as const), hello: bytes(20), strength: fc.double() }),
  fc.record({ type: fc.constant('failed' as const), call, refused: fc.boolean() }),
  fc.record({ type: fc.constant('solved' as const), solution: bytes(8) }),
  fc.record({ type: fc.constant('declare' as const), code: fc.constantFrom('0A1B-2C3D-4E5F-6G7H', 'x', '') }),
  fc.record({ type: fc.constant('consent' as const), given: fc.boolean() }),
  fc.record({ type: fc.constant('recalled' as const), items: fc.array(kept, { maxLength: 5 }) }),
  fc.record({
    type: fc.constant('answered' as const),
    call,
    endpoint: fc.constant('request' as const),
    response: fc.record({ reply: bytes(1000) }),
  }),
  fc.record({
    type: fc.constant('answered' as const),
    call,
    endpoint: fc.constant('redeemCode' as const),
    response: fc.record({ responses: fc.array(bytes(33), { maxLength: 5 }) }),
  }),
  fc.record({
    type: fc.constant('answered' as const),
    call,
    endpoint: fc.constant('codeWindow' as const),
    response: fc.record({
      contagiousFrom: fc.integer({ min: 0, max: 2 ** 43 }).map((time) => time as UnixSeconds),
      contagiousTo: fc.integer({ min: 0, max: 2 ** 43 }).map((time) => time as UnixSeconds),
      tokensPerDay: fc.integer({ min: 1, max: 8 }),
      chunk: fc.integer({ min: 1, max: 8 }),
    }),
  }),
)

type Happening =
  | { readonly kind: 'event'; readonly event: PhoneEvent }
  | { readonly kind: 'pass'; readonly seconds: number }
  | { readonly kind: 'network'; readonly fates: readonly Fate[] }
  | { readonly kind: 'crash' | 'settle' | 'expose' }
  | { readonly kind: 'clock'; readonly skew: number }

const fate = fc.constantFrom<Fate>('answered', 'answered', 'requestLost', 'replyLost', 'refused', 'silence')
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('event' as const), event: wild }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 0, max: 2 * DAY }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('network' as const), fates: fc.array(fate, { minLength: 1 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('crash' as const, 'settle' as const, 'expose' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('clock' as const), skew: fc.integer({ min: -30 * DAY, max: 30 * DAY }) }),
  },
)

function live(world: World, happenings: readonly Happening[]): void {
  for (const each of happenings) {
    if (each.kind === 'event') world.step(each.event)
    else if (each.kind === 'pass') world.pass(each.seconds)
    else if (each.kind === 'crash') world.crash()
    else if (each.kind === 'settle') world.settle()
    else if (each.kind === 'clock') world.skew = each.skew
    else if (each.kind === 'network') {
      let next = 0
      world.fate = () => each.fates[next++ % each.fates.length]!
    } else if (world.backEnd.users.size > 0) world.backEnd.expose(world.now)
  }
}

const newWorld = () => new World({ parameters: { tokensPerDay: 6, tokenChunk: 4, uploadSpread: 600 } })
const happenings = fc.array(happening, { maxLength: 40 })
const RUNS = { numRuns: 150 }

test('property: no sequence of events makes the phone throw', () => {
  fc.assert(
    fc.property(happenings, (sequence) => {
      live(newWorld(), [{ kind: 'event', event: { type: 'install' } }, ...sequence])
    }),
    RUNS,
  )
})

test('property: no call of a declaration leaves before the user consented to a code', () => {
  fc.assert(
    fc.property(happenings, (sequence) => {
      const world = newWorld().install()
      world.backEnd.window = { contagiousFrom: later(NOON, -DAY), contagiousTo: later(NOON, DAY) }
      const consents = (each: Happening) => each.kind === 'event' && each.event.type === 'consent' && each.event.given
      live(
        world,
        sequence.filter((each) => !consents(each)),
      )
      for (const endpoint of ['codeWindow', 'redeemCode', 'upload'] as const)
        assert.deepEqual(world.calls(endpoint), [])
      assert.ok(!world.types().includes('recall'))
    }),
    RUNS,
  )
})

test('property: one call at a time of each kind, a wake-up always ahead, and only good HELLOs on the air', () => {
  fc.assert(
    fc.property(happenings, (sequence) => {
      const world = newWorld().install()
      for (const each of sequence) {
        live(world, [each])
        const { state, phoneNow } = world
        assert.equal(new Set(world.calls().map(({ call: number }) => number)).size, world.calls().length)
        assert.ok(state.wakeAt !== undefined)
        assert.ok(state.observations.length <= 512)
        const hello = helloAt(state, phoneNow)
        if (hello !== undefined) assert.ok(helloMacIsValid(state.keys!.authenticationKey, hello))
      }
    }),
    RUNS,
  )
})

test('property: when the network is back for two days, the phone is registered, broadcasts and polls', () => {
  fc.assert(
    fc.property(happenings, (sequence) => {
      const world = newWorld().install()
      live(
        world,
        sequence.filter(({ kind }) => kind !== 'clock'),
      )
      world.fate = () => 'answered'
      world.settle()
      const before = world.backEnd.asked.length
      world.happens({ type: 'wake' })
      world.pass(2 * DAY)
      assert.ok(helloAt(world.state, world.phoneNow))
      assert.equal(world.state.unopened, 0)
      assert.ok(world.backEnd.asked.length > before)
    }),
    RUNS,
  )
})

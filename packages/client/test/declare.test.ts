import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later, type RequestOf, toHex } from '@vicinity/protocol'
import { parseHello, parseItem, SIZE } from '@vicinity/protocol/robert'
import { DAY, type Fate, HOUR, MINUTE, NOON, unix, World, type WorldOptions } from './world.ts'

const CODE = '0A1B-2C3D-4E5F-6G7H'
const [BOB, CAROL] = [2, 3]
const DECLARING = ['codeWindow', 'redeemCode', 'upload'] as const

/** A phone that met Bob for ten minutes two days ago and Carol yesterday, with a code at hand. */
function diagnosed(options: WorldOptions = {}): World {
  const parameters = { tokensPerDay: 10, tokenChunk: 4, uploadSpread: HOUR, ...options.parameters }
  const world = new World({ ...options, parameters }).install()
  world.meets(BOB, 10, -50)
  world.runUntil(later(NOON, DAY))
  world.meets(CAROL, 3, -50)
  world.runUntil(later(NOON, 2 * DAY))
  world.backEnd.window = { contagiousFrom: unix('2026-03-09T00:00:00Z'), contagiousTo: later(NOON, 3 * DAY) }
  return world
}

function declared(options: WorldOptions = {}): World {
  const world = diagnosed(options)
  world.happens({ type: 'declare', code: CODE })
  world.happens({ type: 'consent', given: true })
  return world
}

const declaringCalls = (world: World) => DECLARING.flatMap((endpoint) => world.calls(endpoint))
const uploads = (world: World) => world.calls('upload').map(({ request }) => request as RequestOf<'upload'>)
const itemsAboutPeople = (world: World) => {
  const times = new Set(world.log.map(({ item }) => toHex(item)))
  return world.backEnd.items.filter((item) => times.has(toHex(item)))
}

test('without consent no byte leaves the phone', () => {
  const world = diagnosed()
  assert.deepEqual(
    world.happens({ type: 'declare', code: CODE }).map(({ type }) => type),
    ['persist'],
  )
  world.pass(10 * DAY)
  assert.deepEqual(declaringCalls(world), [])
  world.happens({ type: 'consent', given: false })
  assert.equal(world.state.declaration, undefined)
  world.happens({ type: 'consent', given: true })
  world.pass(DAY)
  assert.deepEqual(declaringCalls(world), [])
  assert.deepEqual(world.told(), ['broadcasting'])
})

test('consent before any code is of no effect', () => {
  const world = diagnosed()
  world.happens({ type: 'consent', given: true })
  world.happens({ type: 'declare', code: CODE })
  world.pass(HOUR)
  assert.deepEqual(declaringCalls(world), [])
})

test('ROBERT §6.1: with consent everything heard in the window is sent, one item at a time, and the user is told', () => {
  const world = declared()
  world.pass(5 * HOUR)
  assert.deepEqual(world.told(), ['broadcasting', 'declarationSent'])
  assert.equal(world.backEnd.items.length, 30)
  assert.equal(world.log.length, 3)
  assert.equal(itemsAboutPeople(world).length, 3)
  const bobs = world.backEnd.items.filter(
    (item) => toHex(parseHello(parseItem(item).hello).ebid) === toHex(parseHello(world.helloOf(BOB, NOON)).ebid),
  )
  assert.equal(bobs.length, 2)
  assert.equal(world.state.declaration, undefined)
})

test('the window of the authority is strict at both ends', () => {
  const world = diagnosed()
  const [first, second] = world.log
  world.backEnd.window = { contagiousFrom: first!.time, contagiousTo: later(second!.time, 1) }
  world.happens({ type: 'declare', code: CODE })
  world.happens({ type: 'consent', given: true })
  world.pass(5 * HOUR)
  assert.deepEqual(itemsAboutPeople(world).map(toHex), [toHex(second!.item)])
})

test('what was heard in the present slot is part of what is sent', () => {
  const world = diagnosed()
  world.hears(BOB)
  world.happens({ type: 'declare', code: CODE })
  const types = world.happens({ type: 'consent', given: true }).map(({ type }) => type)
  assert.ok(types.indexOf('keep') >= 0 && types.indexOf('keep') < types.indexOf('recall'))
  world.pass(5 * HOUR)
  assert.equal(itemsAboutPeople(world).length, 4)
})

test('nothing older than CT and nothing of the future is asked for', () => {
  const world = diagnosed({ parameters: { contagiousDays: 1 } })
  world.backEnd.window = { contagiousFrom: later(NOON, -20 * DAY), contagiousTo: later(NOON, 90 * DAY) }
  world.happens({ type: 'declare', code: CODE })
  const effects = world.happens({ type: 'consent', given: true })
  const recall = effects.find(({ type }) => type === 'recall')
  assert.deepEqual(recall, {
    type: 'recall',
    after: later(NOON, DAY),
    before: later(NOON, 2 * DAY + 1),
    stepAt: world.now,
  })
  world.pass(5 * HOUR)
  assert.equal(world.backEnd.items.length, 20)
})

test('tokens are asked day by day, chunk by chunk; as many for who met nobody', () => {
  const shapeOf = (world: World) =>
    world.backEnd.redeemed.map(({ code, day, chunk, requests }) => [code, day, chunk, requests.length])
  const first = Math.floor(NOON / DAY)
  const expected = [first, first + 1, first + 2].flatMap((day) => [
    [CODE, day, 0, 4],
    [CODE, day, 1, 4],
    [CODE, day, 2, 2],
  ])
  assert.deepEqual(shapeOf(declared()), expected)
  const alone = diagnosed()
  alone.log = []
  alone.happens({ type: 'declare', code: CODE })
  alone.happens({ type: 'consent', given: true })
  assert.deepEqual(shapeOf(alone), expected)
})

test('the state is saved before each request of tokens leaves', () => {
  const world = declared()
  const types = world.effects.map((effect) => (effect.type === 'call' ? effect.endpoint : effect.type))
  const redemptions = types.flatMap((type, k) => (type === 'redeemCode' ? [types[k - 1]] : []))
  assert.deepEqual(redemptions, Array(9).fill('persist'))
})

test('a chunk that fails is asked for again with the same bytes', () => {
  const world = diagnosed()
  let lost = 0
  world.fate = ({ endpoint }): Fate => (endpoint === 'redeemCode' && lost++ % 2 === 0 ? 'replyLost' : 'answered')
  world.happens({ type: 'declare', code: CODE })
  world.happens({ type: 'consent', given: true })
  world.pass(DAY)
  const asked = world.backEnd.redeemed
  assert.equal(asked.length, 18)
  for (let k = 0; k < 18; k += 2) assert.deepEqual(asked[k], asked[k + 1])
  assert.equal(world.backEnd.items.length, 30)
})

for (const [name, responses] of [
  ['too few', [new Uint8Array(32)]],
  ['of another length', Array.from({ length: 4 }, () => new Uint8Array(31))],
] as const) {
  test(`an answer with ${name} token responses counts as none`, () => {
    const world = diagnosed()
    let bad = 0
    const answer = world.backEnd.answer.bind(world.backEnd)
    world.backEnd.answer = (endpoint, request, at) => {
      const response = answer(endpoint, request, at)
      return endpoint === 'redeemCode' && bad++ === 0 ? ({ responses } as typeof response) : response
    }
    world.happens({ type: 'declare', code: CODE })
    world.happens({ type: 'consent', given: true })
    world.pass(6 * HOUR)
    assert.equal(world.backEnd.items.length, 30)
    assert.equal(world.backEnd.redeemed.length, 10)
  })
}

test('no item leaves before the last token is there', () => {
  const world = diagnosed()
  world.fate = ({ endpoint, request }) =>
    endpoint === 'redeemCode' && (request as RequestOf<'redeemCode'>).chunk === 2 ? 'requestLost' : 'answered'
  world.happens({ type: 'declare', code: CODE })
  world.happens({ type: 'consent', given: true })
  world.pass(2 * DAY)
  assert.deepEqual(world.calls('upload'), [])
})

test('items leave shuffled over all days, spread over the time of the upload', () => {
  const world = declared()
  const from = world.now
  world.pass(5 * HOUR)
  const days = uploads(world).map(({ item }) => Math.floor((parseItem(item).time32 - 2_208_988_800) / DAY))
  const ascending = days.toSorted((a, b) => a - b)
  assert.notDeepEqual(days, ascending)
  assert.notDeepEqual(days, ascending.toReversed())
  const times = world.calls('upload').map(({ stepAt }) => stepAt - from)
  const gaps = times.map((at, k) => at - (times[k - 1] ?? 0))
  assert.ok(gaps.every((gap) => gap >= 0 && gap <= (2 * HOUR) / 30))
  assert.ok(times.at(-1)! > HOUR / 2 && times.at(-1)! < 1.5 * HOUR)
  assert.ok(new Set(gaps).size > 10)
})

test('with no time to spread over, everything is sent at once, still one after the other', () => {
  const world = declared({ parameters: { uploadSpread: 0 } })
  assert.deepEqual(world.told(), ['broadcasting', 'declarationSent'])
  const uploadsNow = world.calls('upload')
  assert.equal(uploadsNow.length, 30)
  assert.ok(uploadsNow.every(({ stepAt }) => stepAt === world.now))
})

test('an item is sent again with the same bytes until it is answered, then forgotten', () => {
  const world = declared()
  let lost = 0
  world.fate = ({ endpoint }) => (endpoint === 'upload' && lost++ < 3 ? 'replyLost' : 'answered')
  world.pass(10 * MINUTE)
  const [first, ...again] = uploads(world)
  assert.ok(again.length >= 3)
  for (const upload of again.slice(0, 3)) assert.deepEqual(upload, first)
  world.pass(10 * MINUTE)
  const sent = world.backEnd.items.length - 3
  assert.equal(world.state.declaration!.items.length, SIZE.item * (30 - sent))
})

test('an item that is refused outright is not sent again', () => {
  const world = declared()
  let refused = 0
  world.fate = ({ endpoint }) => (endpoint === 'upload' && refused++ === 0 ? 'refused' : 'answered')
  world.pass(5 * HOUR)
  assert.equal(world.calls('upload').length, 30)
  assert.equal(world.backEnd.items.length, 29)
  assert.ok(world.told().includes('declarationSent'))
})

test('a code that the authority refuses is dropped, and the user is told', () => {
  const world = diagnosed()
  world.backEnd.window = undefined
  world.happens({ type: 'declare', code: CODE })
  world.happens({ type: 'consent', given: true })
  assert.deepEqual(world.told(), ['broadcasting', 'codeRefused'])
  assert.equal(world.state.declaration, undefined)
  world.pass(DAY)
  assert.equal(declaringCalls(world).length, 1)
})

test('a code that expires while tokens are asked for: all is dropped, and nothing was sent', () => {
  const world = diagnosed()
  let chunks = 0
  world.fate = ({ endpoint }) => (endpoint === 'redeemCode' && ++chunks > 5 ? 'refused' : 'answered')
  world.happens({ type: 'declare', code: CODE })
  world.happens({ type: 'consent', given: true })
  assert.deepEqual(world.told(), ['broadcasting', 'codeRefused'])
  assert.equal(world.state.declaration, undefined)
  assert.deepEqual(world.calls('upload'), [])
})

test('a window in which nothing can have been heard is refused', () => {
  for (const [from, to] of [
    [-60, -40],
    [5, 9],
    [1, 1],
    [2, 1],
  ] as const) {
    const world = diagnosed()
    world.backEnd.window = { contagiousFrom: later(NOON, from * DAY), contagiousTo: later(NOON, to * DAY) }
    world.happens({ type: 'declare', code: CODE })
    world.happens({ type: 'consent', given: true })
    assert.deepEqual(world.told(), ['broadcasting', 'codeRefused'])
    assert.deepEqual(world.calls('redeemCode'), [])
  }
})

test('the window is asked for again after a failure, and only with the code that was given', () => {
  const world = diagnosed()
  let lost = 0
  world.fate = ({ endpoint }) => (endpoint === 'codeWindow' && lost++ < 2 ? 'requestLost' : 'answered')
  world.happens({ type: 'declare', code: '0a1b 2c3d-4e5f6g7h ' })
  world.happens({ type: 'consent', given: true })
  world.pass(6 * HOUR)
  assert.deepEqual(
    world.calls('codeWindow').map(({ request }) => request),
    Array(3).fill({ code: CODE }),
  )
  assert.ok(world.told().includes('declarationSent'))
})

test('letters that look alike are read as the authority wrote them; what is no code is refused at once', () => {
  const world = diagnosed()
  world.happens({ type: 'declare', code: 'oil0-oil0-oil0-oil0' })
  assert.equal(world.state.declaration?.code, '0110-0110-0110-0110')
  for (const code of ['', 'x', '0A1B-2C3D-4E5F-6G7', '0A1B-2C3D-4E5F-6G7HJ', '0A1B-2C3D-4E5F-6G7ß', '€'.repeat(16)]) {
    world.happens({ type: 'declare', code })
    assert.equal(world.state.declaration, undefined)
    assert.equal(world.told().at(-1), 'codeRefused')
  }
  assert.deepEqual(declaringCalls(world), [])
})

test('a second code does not disturb a declaration under way', () => {
  const world = declared()
  world.happens({ type: 'declare', code: '0000-0000-0000-0000' })
  world.happens({ type: 'consent', given: true })
  assert.equal(world.state.declaration?.code, CODE)
  world.pass(5 * HOUR)
  assert.equal(world.backEnd.items.length, 30)
})

test('consent withdrawn in the middle: what is left is dropped and nothing more is sent', () => {
  const world = declared()
  world.pass(30 * MINUTE)
  const sent = world.backEnd.items.length
  assert.ok(sent > 0 && sent < 30)
  world.happens({ type: 'consent', given: false })
  assert.equal(world.state.declaration, undefined)
  world.pass(5 * HOUR)
  assert.equal(world.backEnd.items.length, sent)
  assert.ok(!world.told().includes('declarationSent'))
})

test('consent withdrawn while a call is out: its answer is ignored', () => {
  const world = diagnosed()
  world.happens({ type: 'declare', code: CODE })
  world.step({ type: 'consent', given: true })
  world.step({ type: 'consent', given: false })
  world.settle()
  world.pass(HOUR)
  assert.equal(world.state.declaration, undefined)
  assert.deepEqual(world.calls('redeemCode'), [])
})

test('a phone that declares goes on broadcasting, hearing and polling', () => {
  const world = declared({ parameters: { uploadSpread: DAY } })
  const before = world.backEnd.asked.length
  world.pass(12 * HOUR)
  world.hears(BOB)
  assert.ok(world.backEnd.asked.length > before)
  assert.equal(world.state.observations.length, 1)
  assert.notEqual(world.state.declaration, undefined)
})

test('a phone that was never registered has nothing to declare', () => {
  const world = new World()
  world.happens({ type: 'declare', code: CODE })
  world.happens({ type: 'consent', given: true })
  assert.deepEqual(declaringCalls(world), [])
})

test('a log that never answers is asked again', () => {
  const world = diagnosed()
  world.happens({ type: 'declare', code: CODE })
  world.step({ type: 'consent', given: true })
  const { call } = world.calls('codeWindow')[0]!
  const response = world.backEnd.answer('codeWindow', { code: CODE }, world.now)
  world.step({ type: 'answered', call, endpoint: 'codeWindow', response })
  world.crash()
  world.pass(6 * HOUR)
  assert.equal(world.effects.filter(({ type }) => type === 'recall').length, 2)
  assert.equal(world.backEnd.items.length, 30)
})

test('items that nobody asked for are ignored', () => {
  const world = diagnosed()
  assert.deepEqual(world.happens({ type: 'recalled', items: world.log }), [])
})

test('a window with more chunks than a chunk number can name is refused', () => {
  assert.throws(() => declared({ parameters: { tokensPerDay: 1024, tokenChunk: 3 } }), /must fit 256 chunks/)
})

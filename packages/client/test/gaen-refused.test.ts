// What a phone does about codes that are refused, answers that are lost, and users who think better of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '@vicinity/protocol'
import { CERTIFICATE, fates, marks, PUBLISH, pathsOf, published, VERIFY } from './gaen-publishing.ts'
import { type Answer, DAY, type Fate, HOUR, installed, json, MINUTE, namesOf } from './gaen-world.ts'

const refusals: readonly (readonly [string, Answer])[] = [
  [VERIFY, json(400, { error: '', errorCode: 'code_invalid' })],
  [VERIFY, json(400, { error: '', errorCode: 'code_expired' })],
  [VERIFY, json(412, { error: '', error_code: 'unsupported_test_type' })],
  [CERTIFICATE, json(400, { error: '', errorCode: 'token_invalid' })],
  [CERTIFICATE, json(400, { error: '', errorCode: 'token_expired' })],
  [PUBLISH, json(401, { error: '', code: 'health_authority_verification_certificate_invalid' })],
  [PUBLISH, json(401, { error: '', code: 'unknown_health_authority_id' })],
  [PUBLISH, json(400, { error: '', code: 'bad_request' })],
  [PUBLISH, json(400, { error: '', code: 'missing_revision_token' })],
  [PUBLISH, json(400, { error: '', code: 'key_already_revised' })],
  [PUBLISH, json(400, { error: '', code: 'invalid_report_type_transition' })],
]

for (const [path, answer] of refusals) {
  const { errorCode, error_code, code } = JSON.parse(new TextDecoder().decode(answer.body))
  test(`${path}: after ${errorCode ?? error_code ?? code} the user needs another code; who watches sees three requests all the same`, () => {
    const world = installed()
    fates(world, path, [answer])
    world.publish()
    assert.deepEqual(world.told(), ['codeRefused'])
    assert.deepEqual(pathsOf(world), [VERIFY, CERTIFICATE, PUBLISH])
    const refusedAt = [VERIFY, CERTIFICATE, PUBLISH].indexOf(path)
    assert.deepEqual(
      marks(world),
      [0, 1, 2].map((k) => (k <= refusedAt ? 'real' : 'chaff')),
    )
    assert.deepEqual([world.state.publication, world.state.chaff], [undefined, undefined])
    world.pass(HOUR)
    world.publish()
    assert.deepEqual(world.told(), ['codeRefused', 'keysPublished'])
  })
}

const comeBacks: readonly (readonly [string, Fate])[] = [
  ['maintenance', json(429, { errorCode: 'maintenance_mode' })],
  ['too many wrong codes', json(429, { errorCode: 'quota_exceeded' })],
  ['an error of the server', json(500, { errorCode: 'internal_server_error' })],
  ['an error of the key server, which it sends as 400', json(400, { code: 'internal_error' })],
  ['a gateway without a back-end', { status: 502, body: new Uint8Array(0) }],
  ['a page to log in', { status: 200, body: Uint8Array.from([60, 104]) }],
  ['somebody between who knows no such page', { status: 404, body: new Uint8Array(0) }],
  ['an answer without what it is for', json(200, {})],
  ['JSON that is no object', json(200, 5 as never)],
  ['a list', json(200, [])],
  ['no answer', 'failed'],
  ['silence', 'silence'],
]
for (const [name, fate] of comeBacks) {
  test(`${name}: the same request again, later and later`, () => {
    for (const path of name === 'an answer without what it is for'
      ? [VERIFY, CERTIFICATE]
      : [VERIFY, CERTIFICATE, PUBLISH]) {
      const world = installed()
      fates(world, path, [fate, fate, fate])
      world.publish()
      world.pass(2 * HOUR)
      assert.equal(world.sent(path).length, 4)
      assert.deepEqual(world.told(), ['keysPublished'])
      const said = world.said(path).map((body) => ({ ...body, padding: '' }))
      for (const body of said) assert.deepEqual(body, said[0])
    }
  })
}

test('after a day without a word the user is told to ask for another code', () => {
  const world = installed()
  world.fate = ({ method }) => (method === 'POST' ? 'failed' : undefined)
  world.publish()
  world.pass(5 * DAY)
  assert.deepEqual(world.told(), ['codeRefused'])
  const times = world.sent(VERIFY).map(({ stepAt }) => stepAt)
  assert.equal(times.length, 25)
  assert.ok(times.at(-1)! - times[0]! > 12 * HOUR && times.at(-1)! - times[0]! < 3 * DAY)
})

test('a publication that arrived although its answer was lost counts as published', () => {
  for (const code of ['missing_revision_token', 'invalid_revision_token']) {
    for (const lost of ['failed', 'silence'] as const) {
      const world = installed()
      fates(world, PUBLISH, [lost, json(400, { code })])
      world.publish()
      world.pass(HOUR)
      assert.deepEqual(world.told(), ['keysPublished'])
      // The server has them, and no token names them: they are not sent again.
      world.fate = () => undefined
      world.pass(DAY)
      world.publish()
      const [first, , third] = published(world)
      assert.ok(!third!.some(({ key }) => key === first![0]!.key))
      assert.deepEqual(world.told(), ['keysPublished', 'keysPublished'])
    }
  }
})

test('when it is not known whether a publication arrived, its keys are sent again with the next code, and left out once the server has them', () => {
  const world = installed()
  const expired = json(401, { code: 'health_authority_verification_certificate_invalid' })
  fates(world, PUBLISH, ['failed', expired, json(400, { code: 'missing_revision_token' })])
  world.publish()
  world.pass(HOUR)
  world.pass(DAY)
  world.publish()
  world.publish()
  const [first, , second, third] = published(world)
  assert.deepEqual(world.told(), ['codeRefused', 'codeRefused', 'keysPublished'])
  assert.ok(second!.some(({ key }) => key === first![0]!.key))
  assert.ok(!third!.some(({ key }) => key === first![0]!.key))
  assert.ok(second!.slice(1).every(({ key }) => third!.some((sent) => sent.key === key)))
})

test('a key that the server may have whole is not cut short', () => {
  const world = installed({ settings: { sameDayKey: 'heldBack' } })
  world.publish()
  const restored = installed()
  restored.state = { ...world.state, settings: restored.settings }
  restored.publish()
  assert.deepEqual(
    published(restored)[0]!.map(({ rollingPeriod }) => rollingPeriod),
    [144],
  )
})

test('what is not a code is refused at once, and the code before is forgotten', () => {
  const world = installed()
  world.happens({ type: 'declare', code: '12345678' })
  for (const code of ['', '123', '1234 567é', 'x'.repeat(41), '"};alert(1)']) {
    world.happens({ type: 'declare', code })
    assert.equal(world.state.publication, undefined)
  }
  world.happens({ type: 'consent', given: true })
  world.pass(HOUR)
  assert.deepEqual(pathsOf(world), [])
  assert.deepEqual([...new Set(world.told())], ['codeRefused'])
})

test('a code that is typed again before consent takes the place of the first', () => {
  const world = installed()
  world.happens({ type: 'declare', code: '11111111' })
  world.publish('ABCD-efgh-1234-5678')
  assert.deepEqual(
    world.said(VERIFY).map(({ code }) => code),
    ['abcdefgh12345678'],
  )
})

test('a second code while the first is under way is not taken', () => {
  const world = installed()
  world.happens({ type: 'declare', code: '11111111' })
  world.happens({ type: 'consent', given: true })
  world.happens({ type: 'declare', code: '22222222' })
  world.happens({ type: 'consent', given: true })
  world.pass(MINUTE)
  assert.deepEqual(
    world.said(VERIFY).map(({ code }) => code),
    ['11111111'],
  )
})

test('who thinks better of it before the keys are sent publishes nothing; who watches sees the same', () => {
  for (const stage of ['verify', 'certificate', 'publish'] as const) {
    const world = installed()
    world.fate = ({ path }) => (path.endsWith(stage) ? 'silence' : undefined)
    world.happens({ type: 'declare', code: '12345678' })
    world.happens({ type: 'consent', given: true })
    while (!(world.state.publication?.stage === stage && world.state.publication.call !== 0)) world.pass(1)
    world.happens({ type: 'consent', given: false })
    world.fate = () => undefined
    world.pass(HOUR)
    if (stage === 'publish') assert.deepEqual(world.told(), ['keysPublished'], 'it was on its way')
    else {
      assert.deepEqual(world.told(), [])
      const names = namesOf(world.state)
      assert.ok(
        published(world)
          .flat()
          .every(({ key }) => !names.includes(key)),
      )
      assert.deepEqual(marks(world).at(-1), 'chaff')
      assert.deepEqual([...new Set(pathsOf(world))], [VERIFY, CERTIFICATE, PUBLISH])
      assert.equal(
        world
          .said(VERIFY)
          .slice(1)
          .some(({ code }) => code === '12345678'),
        false,
      )
    }
  }
})

test('a phone that leaves while it publishes sends nothing any more, and takes no late answer for one to a later call', () => {
  const world = installed()
  world.fate = () => 'silence'
  world.happens({ type: 'declare', code: '12345678' })
  world.happens({ type: 'consent', given: true })
  const { keyData } = world.state.keys[0]!
  const { call } = world.sent(VERIFY)[0]!
  world.happens({ type: 'leave' })
  assert.deepEqual(toHex(keyData), '00'.repeat(16))
  const before = world.sent().length
  world.pass(DAY)
  assert.equal(world.sent().length, before)
  world.install()
  world.happens({ type: 'declare', code: '12345678' })
  world.happens({ type: 'consent', given: true })
  world.happens({ type: 'answered', call, ...json(200, { token: 'late' }) })
  assert.equal(world.state.publication!.token, '')
})

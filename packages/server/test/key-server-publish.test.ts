// Key server, publish version 1: what phones of the deployed world send, and the code that each mistake gets.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UnixSeconds } from '@vicinity/protocol'
import { publicPoint } from '@vicinity/protocol/crypto'
import { REPORT_TYPE, type TestType, toBase64 } from '@vicinity/protocol/gaen'
import { Unavailable } from '../src/deps.ts'
import { publish } from '../src/flows/key-server/publish.ts'
import { ANSWER_BYTES } from '../src/flows/key-server/publish-answer.ts'
import { randomOf } from './fixture.ts'
import {
  hexOf,
  hexOfPhoneKey,
  type KeyServer,
  keyServer,
  type PhoneKey,
  type PublishOptions,
  phoneKey,
  phoneKeys,
  publishBody,
  publishKeys,
  send,
} from './key-server-fixture.ts'

const FOREVER = (2 ** 43) as UnixSeconds
const stored = (server: KeyServer) => server.deps.store.transaction((tx) => tx.keysReleased(0 as UnixSeconds, FOREVER))
const INVALID = 'health_authority_verification_certificate_invalid'

test('publish: fourteen keys are stored as they were sent, and counted', async (t) => {
  const server = keyServer(t)
  const keys = phoneKeys(server, 14)
  const answer = await publishKeys(server, keys, { onset: keys[2]!.rollingStartNumber })
  assert.deepEqual(
    [answer.status, answer.insertedExposures, answer.code, answer.warnings],
    [200, 14, undefined, undefined],
  )
  assert.ok(answer.revisionToken.length > 1000)
  const rows = await stored(server)
  assert.deepEqual(
    rows.map(({ key }) => hexOf(key)),
    keys.map(hexOfPhoneKey).sort(),
  )
  for (const { key, release } of rows) {
    assert.equal(release, Math.floor(server.clock.now / 3600) * 3600)
    assert.deepEqual([key.rollingPeriod, key.transmissionRisk, key.reportType], [144, 2, REPORT_TYPE.confirmedTest])
    assert.equal(key.daysSinceOnset, (key.rollingStart - keys[2]!.rollingStartNumber) / 144)
  }
})

test('publish: each report is stored as its number, a negative test not at all', async (t) => {
  const cases: readonly (readonly [TestType, number | undefined])[] = [
    ['confirmed', REPORT_TYPE.confirmedTest],
    ['likely', REPORT_TYPE.confirmedClinicalDiagnosis],
    ['user-report', REPORT_TYPE.selfReport],
    ['negative', undefined],
  ]
  for (const [testType, reportType] of cases) {
    const server = keyServer(t)
    const answer = await publishKeys(server, [phoneKey(server, 1)], { testType })
    const rows = await stored(server)
    assert.deepEqual([answer.status, rows[0]?.key.reportType], [200, reportType], testType)
    assert.equal(answer.insertedExposures, rows.length)
  }
})

interface Case {
  readonly status: number
  readonly code: string
  readonly keys?: (server: KeyServer) => readonly PhoneKey[]
  readonly options?: (server: KeyServer) => PublishOptions
}

const overlapping = (server: KeyServer): PhoneKey[] => {
  const key = phoneKey(server, 3)
  return [key, phoneKey(server, 3, { rollingStartNumber: key.rollingStartNumber + 10 })]
}
const body = (fields: Record<string, unknown>) => () => ({ body: fields })

const REFUSED: Readonly<Record<string, Case>> = {
  'another health authority': {
    status: 401,
    code: 'unknown_health_authority_id',
    options: body({ healthAuthorityID: 'x' }),
  },
  'no health authority': {
    status: 401,
    code: 'unknown_health_authority_id',
    options: body({ healthAuthorityID: null }),
  },
  'no certificate': { status: 401, code: INVALID, options: body({ verificationPayload: '' }) },
  'a certificate that is none': { status: 401, code: INVALID, options: body({ verificationPayload: 'a.b.c' }) },
  'a certificate for another audience': { status: 401, code: INVALID, options: () => ({ audience: 'x' }) },
  'a certificate of another issuer': { status: 401, code: INVALID, options: () => ({ issuer: 'x' }) },
  'an expired certificate': {
    status: 401,
    code: INVALID,
    options: ({ clock }) => ({ issued: (clock.now - 901) as UnixSeconds }),
  },
  'a certificate of the future': {
    status: 401,
    code: INVALID,
    options: ({ clock }) => ({ issued: (clock.now + 60) as UnixSeconds }),
  },
  'another secret of the MAC': { status: 401, code: INVALID, options: body({ hmacKey: toBase64(new Uint8Array(16)) }) },
  'a secret that is no base64': { status: 401, code: INVALID, options: body({ hmacKey: '!' }) },
  'keys that the MAC does not name': {
    status: 401,
    code: INVALID,
    options: (server) => ({ body: { temporaryExposureKeys: phoneKeys(server, 1) } }),
  },
  'no keys': { status: 400, code: 'bad_request', keys: () => [] },
  '31 keys': {
    status: 400,
    code: 'bad_request',
    keys: (server) => Array.from({ length: 31 }, (_, k) => phoneKey(server, 1 + (k % 14))),
  },
  'keys that overlap': { status: 400, code: 'bad_request', keys: overlapping },
  'four keys of one start': {
    status: 400,
    code: 'bad_request',
    keys: (server) => [40, 80, 120, 144].map((rollingPeriod) => phoneKey(server, 2, { rollingPeriod })),
  },
  'a key of the future': {
    status: 400,
    code: 'bad_request',
    keys: (server) => [phoneKey(server, -1)],
  },
  'a key of 16 days ago': { status: 400, code: 'bad_request', keys: (server) => [phoneKey(server, 16)] },
  'a key that is no base64': {
    status: 400,
    code: 'bad_request',
    keys: (server) => [phoneKey(server, 1, { key: '&' })],
  },
  'a period of 145': {
    status: 400,
    code: 'bad_request',
    keys: (server) => [phoneKey(server, 1, { rollingPeriod: 145 })],
  },
  'a risk of 9': { status: 400, code: 'bad_request', keys: (server) => [phoneKey(server, 1, { transmissionRisk: 9 })] },
  'an unknown field': { status: 400, code: 'bad_request', options: body({ nothing: 1 }) },
  'a number for text': { status: 400, code: 'bad_request', options: body({ revisionToken: 1 }) },
}

for (const [what, { status, code, keys, options }] of Object.entries(REFUSED)) {
  test(`publish: ${what} is answered with ${code}`, async (t) => {
    const server = keyServer(t)
    const started = performance.now()
    const answer = await publishKeys(server, keys?.(server) ?? phoneKeys(server, 3), options?.(server))
    assert.ok(performance.now() - started < 1000)
    assert.deepEqual([answer.status, answer.code, answer.size], [status, code, ANSWER_BYTES])
    assert.equal((await stored(server)).length, 0)
    assert.equal(server.deps.counts.get(`publish.${code}`), 1)
  })
}

test('publish: what is no JSON, and more than 64,000 bytes, is a bad request', async (t) => {
  const server = keyServer(t)
  const answers = [
    await send(server, ''),
    await send(server, '{"temporaryExposureKeys": ['),
    await send(server, publishBody(server, phoneKeys(server, 1), { body: { padding: 'x'.repeat(64_000) } })),
  ]
  assert.deepEqual(
    answers.map(({ status, code }) => [status, code]),
    [
      [400, 'bad_request'],
      [400, 'bad_request'],
      [413, 'bad_request'],
    ],
  )
})

test('publish: a certificate under a key that nobody knows, or signed by somebody else, is invalid', async (t) => {
  const [server, other] = [keyServer(t), keyServer(t, { name: 'other' })]
  const forged = await send(server, publishBody(other, phoneKeys(other, 1)))
  assert.equal(forged.code, INVALID)
})

test('publish: certificates of another authority hold where the settings have its issuer and keys', async (t) => {
  const authority = keyServer(t, { name: 'authority' })
  const { kid, secret } = authority.deps.rotatingKeys.current('certificate', authority.clock.now)
  const settings = { issuer: 'authority', certificateKeys: [{ kid, point: publicPoint(secret) }] }
  const server = keyServer(t, { settings })
  const request = (issuer: string) => publishBody(authority, phoneKeys(authority, 2), { issuer })
  assert.equal((await send(server, request('authority'))).status, 200)
  assert.equal((await send(server, request('vicinity.verification'))).code, INVALID)
  assert.equal(
    (await send(server, publishBody(server, phoneKeys(server, 1)))).code,
    INVALID,
    'our own keys are not of it',
  )
})

test('publish: without a region nothing is taken', async (t) => {
  const server = keyServer(t, { settings: { region: undefined } })
  const answer = await publishKeys(server, phoneKeys(server, 1))
  assert.deepEqual([answer.status, answer.code], [500, 'health_authority_missing_region_config'])
})

test('publish: some keys that cannot be taken leave a success that says so', async (t) => {
  const server = keyServer(t)
  const keys = [phoneKey(server, 1), phoneKey(server, 2, { rollingPeriod: 0 })]
  const answer = await publishKeys(server, keys)
  assert.deepEqual([answer.status, answer.code, answer.insertedExposures], [200, 'partial_failure', 1])
  assert.match(answer.error!, /key 1/)
})

test('publish: keys far from the onset are left out with a warning', async (t) => {
  const server = keyServer(t)
  const keys = [phoneKey(server, 15), phoneKey(server, 1)]
  const answer = await publishKeys(server, keys, { onset: keys[1]!.rollingStartNumber + 144 })
  assert.deepEqual([answer.status, answer.code, answer.insertedExposures], [200, undefined, 1])
  assert.deepEqual(answer.warnings, ['key 0 symptom onset is too large - saving without this key'])
})

test('publish: a key that is still valid waits for the hour after its end', async (t) => {
  const server = keyServer(t)
  await publishKeys(server, [phoneKey(server, 0)])
  const [row] = await stored(server)
  assert.equal(row!.release, (row!.key.rollingStart + 144) * 600 + 3600)
})

test('publish: the answer has one size, whatever was sent and answered, thirty warnings too', async (t) => {
  const server = keyServer(t)
  const far = Array.from({ length: 30 }, (_, k) =>
    phoneKey(server, 14, { rollingPeriod: 1, rollingStartNumber: phoneKey(server, 14).rollingStartNumber + k }),
  )
  const answers = [
    await publishKeys(server, phoneKeys(server, 14)),
    await publishKeys(server, far, { onset: phoneKey(server, 0).rollingStartNumber + 1, body: {} }),
    await publishKeys(
      server,
      far.map((key) => ({ ...key, transmissionRisk: 10 })),
    ),
    await send(server, 'no JSON'),
  ]
  for (const { size, padding } of answers) {
    assert.equal(size, ANSWER_BYTES)
    assert.ok(Buffer.from(padding, 'base64').length >= 1024)
  }
})

test('publish: real, refused and chaff run the same statements in the same order', async (t) => {
  const server = keyServer(t)
  const run = async (body: unknown, headers: Record<string, string> = {}) => {
    server.statements.length = 0
    const { status } = await send(server, body, headers)
    return [status, server.statements.join(' ')] as const
  }
  const real = await run(publishBody(server, phoneKeys(server, 14)))
  const others = [
    await run(publishBody(server, phoneKeys(server, 1))),
    await run(publishBody(server, phoneKeys(server, 3), { testType: 'negative' })),
    await run(publishBody(server, phoneKeys(server, 3), { audience: 'x' })),
    await run(publishBody(server, [])),
    await run('no JSON'),
    await run(publishBody(server, phoneKeys(server, 14)), { 'x-chaff': '1' }),
    await run(publishBody(server, phoneKeys(server, 14), { body: { padding: 'chaff' } })),
  ]
  for (const [, statements] of others) assert.equal(statements, real[1])
  assert.deepEqual(
    others.map(([status]) => status),
    [200, 200, 401, 400, 400, 200, 200],
  )
  assert.equal(real[1].split(' ').length, 92, 'begin, 30 looks, 30 inserts, 30 revisions, commit')
  assert.equal((await stored(server)).length, 15)
})

test('publish: chaff is told that it succeeded, and nothing of it is stored, whether it holds or not', async (t) => {
  const server = keyServer(t)
  const good = publishBody(server, phoneKeys(server, 14))
  const chaff = (fields: object) => JSON.stringify({ ...good, ...fields })
  const requests = [
    [chaff({}), { 'x-chaff': 'any' }],
    [chaff({ padding: `chaff${'x'.repeat(50)}` }), {}],
    [chaff({ verificationPayload: 'x', padding: 'chaff' }), {}],
    ['not even JSON', { 'x-chaff': '' }],
  ] as const
  for (const [text, headers] of requests) {
    const answer = await send(server, text, headers)
    assert.deepEqual([answer.status, answer.code, answer.size], [200, undefined, ANSWER_BYTES])
    assert.equal(answer.revisionToken.length, (await publishKeys(server, [], {})).revisionToken?.length ?? 1148)
  }
  assert.equal((await stored(server)).length, 0)
  assert.equal(server.deps.counts.get('publish.chaff'), requests.length)
})

test('publish: equal sizes over 10,000 real and 10,000 chaff, requests and answers', async (t) => {
  const server = keyServer(t)
  // Drawing six kilobytes an answer from SHA-256 would take most of the time.
  const deps = { ...server.deps, gaenRandom: (length: number) => new Uint8Array(length).fill(7) }
  const first = publishBody(server, phoneKeys(server, 14), { testType: 'likely' })
  const { revisionToken } = await send(server, first)
  const random = randomOf('sizes')
  const sizes = { real: new Set<string>(), chaff: new Set<string>() }
  for (let k = 0; k < 10_000; k++) {
    const padding = toBase64(random(3 + 3 * (k % 100)))
    const bodies = {
      real: JSON.stringify({ ...first, revisionToken, padding: `real.${padding}` }),
      chaff: JSON.stringify({ ...first, revisionToken: toBase64(random(861)), padding: `chaff${padding}` }),
    }
    assert.equal(bodies.real.length, bodies.chaff.length)
    for (const kind of ['real', 'chaff'] as const) {
      const call = { json: JSON.parse(bodies[kind]), body: bodies[kind], headers: {}, rest: '' }
      const { status, headers, body } = await publish(deps, call, server.clock.now)
      sizes[kind].add(JSON.stringify([status, headers, (body as Uint8Array).length]))
    }
  }
  assert.equal(sizes.real.size, 1)
  assert.deepEqual(sizes.chaff, sizes.real)
  assert.equal(deps.counts.get('publish.stored'), 10_001)
  assert.equal(deps.counts.get('publish.chaff'), 10_000)
})

test('publish: a back-end whose clock stepped decides nothing', async (t) => {
  const server = keyServer(t)
  const deps = { ...server.deps, clockIsSteady: () => false }
  const call = { json: {}, body: '{}', headers: {}, rest: '' }
  await assert.rejects(publish(deps, call, server.clock.now), Unavailable)
})

// Nothing that comes from outside, and no key, is in a log, a metric, an error or the audit log (T-56): a real server, every endpoint, good
// and bad requests, a store that fails, and marked values in every field.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { api, fromBase64url, type Random } from '@vicinity/protocol'
import { drawPrivateKey, publicPoint } from '@vicinity/protocol/crypto'
import { solveChallenge } from '@vicinity/protocol/robert'
import { type Canary, formsOf, found } from './canaries.ts'
import { start } from './command.ts'

const bytesOf = (name: string, length: number): Uint8Array =>
  Uint8Array.from(
    Array.from({ length: Math.ceil(length / 32) }, (_, n) => [
      ...createHash('sha256').update(`${name} ${n}`).digest(),
    ]).flat(),
  ).subarray(0, length)
const randomOf = (name: string): Random => {
  let drawn = 0
  return (length) => bytesOf(`${name} ${drawn++}`, length)
}
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const AUTHORITY = 'canary-authority-9f2c7d51e0a8'
const ADMIN = 'canary-admin-4b8e16a3d7c2'
const DEVICE = 'canary-device-c05d92f7714e'
const CALLER = '127.0.0.66'
const FORWARDED = '203.0.113.77'
const PHONE_NUMBER = '+33699887766'

interface Answer {
  readonly status: number
  readonly body: string
}

/** One call from the address of a phone, with what a careless program would write down. */
const call = (url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const marked = { 'user-agent': 'canary-agent-77aa', cookie: 'id=canary-cookie-88bb', 'x-forwarded-for': FORWARDED }
    const method = body === undefined ? 'GET' : 'POST'
    const json = body === undefined ? {} : { 'content-type': 'application/json' }
    const sent = request(
      url,
      { method, localAddress: CALLER, headers: { ...marked, ...json, ...headers } },
      (answer) => {
        let text = ''
        answer.setEncoding('latin1').on('data', (data) => {
          text += data
        })
        answer.on('end', () => resolve({ status: answer.statusCode!, body: text }))
      },
    )
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
  })

const point = publicPoint(drawPrivateKey(randomOf('phone')))
const NOW = Math.floor(Date.now() / 1000)
const FROM = NOW - 3 * 86_400 - 12_347
const BYTES: Readonly<Record<string, Uint8Array>> = {
  'public key': point,
  'a HELLO': bytesOf('hello', 16),
  'the random of a token': bytesOf('random', 32),
  'a token': bytesOf('token', 32),
  'a request': bytesOf('request', 96),
  'a blinded request': bytesOf('blinded', 32),
  'a diagnosis key': bytesOf('diagnosis', 16),
  'a MAC': bytesOf('mac', 32),
  'a reset token': bytesOf('reset', 47),
}
const item = Buffer.concat([BYTES['a HELLO']!, bytesOf('time and signal', 5)])
const OTHERS: readonly Canary[] = [
  { name: 'the token of the authority', value: AUTHORITY },
  { name: 'the key of the authority', value: ADMIN },
  { name: 'the key of the app', value: DEVICE },
  { name: 'the address of the caller', value: CALLER },
  { name: 'an address in a header', value: FORWARDED },
  { name: 'a phone number', value: PHONE_NUMBER },
  { name: 'the beginning of a contagious window', value: FROM },
  { name: 'an agent', value: 'canary-agent-77aa' },
  { name: 'a cookie', value: 'canary-cookie-88bb' },
  { name: 'a path', value: 'canary-path-99cc' },
  { name: 'a name of a field', value: 'canary-field-11dd' },
  { name: 'a value of a field', value: 'canary-value-22ee' },
]

/** A body with fields of the API, whatever the endpoint makes of them. */
const FIELDS = {
  publicKey: base64url(point),
  challenge: base64url(bytesOf('challenge', 32)),
  solution: base64url(bytesOf('solution', 8)),
  request: base64url(BYTES['a request']!),
  item: base64url(item),
  random: base64url(BYTES['the random of a token']!),
  token: base64url(BYTES['a token']!),
  contagiousFrom: FROM,
  contagiousTo: NOW,
  testedAt: FROM,
  phone: PHONE_NUMBER,
  temporaryExposureKeys: [
    { key: base64(BYTES['a diagnosis key']!), rollingStartNumber: 2_650_000, rollingPeriod: 144 },
  ],
  hmackey: base64(BYTES['a MAC']!),
  ekeyhmac: base64(BYTES['a MAC']!),
  testType: 'confirmed',
  code: 'canary-value-22ee',
}

/** Requests that one endpoint gets: what it wants as far as that is known, and what nobody should send. */
function bodiesFor(name: string): unknown[] {
  const schema = (api as Readonly<Record<string, { readonly request: { readonly schema: unknown } }>>)[name]?.request
    .schema
  const wanted = Object.keys((schema as { properties?: object } | undefined)?.properties ?? FIELDS)
  const fitting = Object.fromEntries(
    wanted.map((field) => [field, FIELDS[field as keyof typeof FIELDS] ?? base64url(BYTES['a blinded request']!)]),
  )
  return [
    fitting,
    { ...fitting, 'canary-field-11dd': 'canary-value-22ee' },
    { ...fitting, [wanted[0] ?? 'a']: 'canary-value-22ee' },
    '{"canary-field-11dd": canary-value-22ee',
    FIELDS,
  ]
}

const DEPLOYED = [
  '/v1/publish',
  '/api/issue',
  '/api/batch-issue',
  '/api/verify',
  '/api/certificate',
  '/api/checkcodestatus',
  '/api/expirecode',
  '/api/user-report',
]

/** Everything once, in good and in bad; gives the bodies of all answers that were errors, and of one that was none. */
async function drive(
  url: string,
): Promise<{ errors: string; statuses: Set<number>; secrets: Canary[]; issued: string }> {
  const answers: Answer[] = []
  const ask = async (path: string, body: unknown, headers?: Readonly<Record<string, string>>) => {
    const answer = await call(`${url}${path}`, body, headers)
    answers.push(answer)
    return answer
  }
  const asAuthority = { authorization: `Bearer ${AUTHORITY}` }
  for (const [name, { method, path, auth }] of Object.entries(api)) {
    if (method === 'GET') await ask(`${path}?canary-path-99cc=${FROM}`, undefined)
    else for (const body of bodiesFor(name)) await ask(path, body, auth === 'authority' ? asAuthority : {})
    await ask(path, FIELDS, { authorization: 'Bearer canary-value-22ee' })
  }
  for (const path of DEPLOYED) {
    for (const key of [ADMIN, DEVICE, 'canary-value-22ee'])
      for (const body of bodiesFor(path)) await ask(path, body, { 'x-api-key': key })
  }
  for (const path of ['/canary-path-99cc', '/exports/canary-path-99cc', '/exports/../canary-path-99cc', '/%ff'])
    await ask(path, undefined)
  // A registration and a code that succeed.
  const challenge = fromBase64url(
    JSON.parse((await ask(api.challenge.path, { publicKey: base64url(point) })).body).challenge,
    'challenge',
  )
  const solution = solveChallenge(challenge)
  const registration = { publicKey: base64url(point), challenge: base64url(challenge), solution: base64url(solution) }
  const registered = await ask(api.register.path, registration)
  assert.equal(registered.status, 200)
  const issued = await ask(api.issueCode.path, { contagiousFrom: FROM, contagiousTo: NOW }, asAuthority)
  const { code } = JSON.parse(issued.body)
  await ask(api.codeWindow.path, { code })
  await ask(api.redeemCode.path, {
    code,
    day: Math.floor(FROM / 86_400),
    chunk: 0,
    requests: [base64url(BYTES['a blinded request']!)],
  })
  const list = fromBase64url(JSON.parse(registered.body).list, 'list')
  return {
    errors: answers
      .filter(({ status }) => status >= 400)
      .map(({ body }) => body)
      .join('\n'),
    statuses: new Set(answers.map(({ status }) => status)),
    secrets: [
      { name: 'a challenge', value: challenge },
      { name: 'a sealed list', value: list.subarray(0, 32) },
      { name: 'a code', value: code },
    ],
    issued: issued.body,
  }
}

/** Every key of the directory. */
const keysIn = (directory: string): Canary[] =>
  readdirSync(directory)
    .map((name) => ({ name: `the key ${name}`, value: new Uint8Array(readFileSync(join(directory, name))) }))
    .filter(({ value }) => value.length >= 16)

async function serving(t: TestContext, data: string) {
  const server = start(['serve', '--data', data, '--port', '0', '--metrics-port', '0', '--threads', '0'], undefined, {
    VICINITY_AUTHORITY_TOKEN: AUTHORITY,
    VICINITY_ADMIN_API_KEY: ADMIN,
    VICINITY_DEVICE_API_KEY: DEVICE,
  })
  t.after(() => server.child.kill('SIGKILL'))
  const said = await server.prints(/health\/ready/)
  return { ...server, url: /serves at (\S+)/.exec(said)![1]!, metrics: /metrics +(\S+)/.exec(said)![1]! }
}

test('no key, token, identifier, HELLO, address or time from outside is in any log, metric, error or audit entry (T-56)', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'vicinity-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const server = await serving(t, data)
  const driven = await drive(server.url)
  for (const status of [200, 400, 401, 404]) assert.ok(driven.statuses.has(status), `${status}`)

  // A store that fails: somebody else holds the database.
  const other = new DatabaseSync(join(data, 'vicinity.db'))
  other.exec('begin exclusive')
  const failed = await Promise.all([
    call(`${server.url}${api.request.path}`, { request: FIELDS.request }),
    call(`${server.url}${api.challenge.path}?canary-path-99cc`, FIELDS),
    call(
      `${server.url}${api.issueCode.path}`,
      { contagiousFrom: FROM, contagiousTo: NOW },
      { authorization: `Bearer ${AUTHORITY}` },
    ),
  ])
  other.exec('rollback')
  other.close()
  assert.ok(failed.some(({ status }) => status === 503))

  const metrics = (await call(server.metrics, undefined)).body
  assert.match(metrics, /vicinity_events_total\{event="registered"\} 0/)
  server.child.kill('SIGTERM')
  const { out, error } = await server.ended
  const canaries: Canary[] = [
    ...Object.entries(BYTES).map(([name, value]) => ({ name, value })),
    ...OTHERS,
    ...driven.secrets,
    ...keysIn(join(data, 'keys')),
  ]
  assert.ok(canaries.length > 30)
  const written = {
    'standard output': out,
    'standard error': error,
    'the metrics': metrics,
    'the bodies of errors': [driven.errors, ...failed.map(({ body }) => body)].join('\n'),
    'the audit log': readFileSync(join(data, 'audit.log')),
    'the heads of the audit log': readFileSync(join(data, 'audit.log.heads')),
  }
  for (const [place, content] of Object.entries(written)) assert.ok(content.length > 50, place)
  // Whoever sends a field that there is none of is told its name, and nobody else.
  assert.deepEqual(found(canaries, written), ['a name of a field in the bodies of errors'])
  // The same look finds what an answer has to hold.
  assert.deepEqual(found(canaries, { answer: driven.issued }), ['a code in answer'])
})

test('planted: a canary is found in each of its forms, wherever it begins', () => {
  const canaries: Canary[] = [
    { name: 'bytes', value: BYTES['a token']! },
    { name: 'text', value: PHONE_NUMBER },
    { name: 'number', value: FROM },
  ]
  for (const canary of canaries) {
    for (const form of formsOf(canary)) {
      assert.deepEqual(
        found(canaries, { log: Buffer.from(`before ${form} after`, 'latin1') }),
        [`${canary.name} in log`],
        form,
      )
    }
  }
  for (const before of [0, 1, 2, 3]) {
    const within = Buffer.concat([Buffer.alloc(before, 7), BYTES['a token']!, Buffer.alloc(3, 9)])
    assert.deepEqual(found(canaries, { log: within.toString('base64') }), ['bytes in log'])
    assert.deepEqual(found(canaries, { log: within.toString('base64url') }), ['bytes in log'])
  }
  assert.deepEqual(found(canaries, { log: 'nothing to see' }), [])
})

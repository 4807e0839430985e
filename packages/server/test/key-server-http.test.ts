// Two countries over real HTTP: a phone publishes in one, and phones in both find out that they met it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { concat, later } from '@vicinity/protocol'
import {
  fromBase64,
  INTERVAL_SECONDS,
  type IntervalNumber,
  matchDiagnosisKeys,
  openArchive,
  parseIndex,
  REPORT_TYPE,
  rollingProximityIdentifierKey,
  rollingProximityIdentifiers,
  type TrustedKeys,
} from '@vicinity/protocol/gaen'
import { exportKeys } from '../src/flows/key-server/export.ts'
import { importKeys } from '../src/flows/key-server/import.ts'
import type { ImportPeer } from '../src/gaen-settings.ts'
import { listen } from '../src/listen.ts'
import { type KeyServer, keyServer, type PhoneKey, phoneKeys, publishBody } from './key-server-fixture.ts'

const HOURS = 3600

interface Country {
  readonly server: KeyServer
  readonly url: string
}

async function country(t: TestContext, name: string, peers: readonly ImportPeer[] = []): Promise<Country> {
  const server = keyServer(t, { name, settings: { peers } })
  const listening = await listen(server.deps, () => server.clock.now, { host: '127.0.0.1', port: 0 })
  t.after(listening.close)
  return { server, url: listening.url }
}

const exportsOf = ({ url }: Country): string => `${url}/exports/`

async function trustedOf({ url }: Country): Promise<TrustedKeys> {
  const keys = (await (await fetch(`${url}/v1/export-keys`)).json()) as {
    keyId: string
    keyVersion: string
    point: string
  }[]
  return [keys.map((key) => ({ ...key, point: fromBase64(key.point) }))]
}

async function publishOver({ url }: Country, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(`${url}/v1/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: text,
  })
  const { status } = response
  const answer = await response.text()
  return { status, size: answer.length, json: JSON.parse(answer), headers: response.headers }
}

/** What a phone heard of the keys of another: one identifier a day, at noon. */
function heard(keys: readonly PhoneKey[]) {
  const sightings = keys.map(({ key, rollingStartNumber }) => {
    const interval = (rollingStartNumber + 72) as IntervalNumber
    const identifierKey = rollingProximityIdentifierKey(fromBase64(key))
    return { identifier: rollingProximityIdentifiers(identifierKey, interval, 1), time: interval * INTERVAL_SECONDS }
  })
  return {
    count: sightings.length,
    identifiers: concat(...sightings.map(({ identifier }) => identifier)),
    times: Float64Array.from(sightings, ({ time }) => time),
  }
}

/** Downloads all that the index lists, verifies it, and matches: reports of the keys that were met, first and revised. */
async function matched(from: Country, sightings: ReturnType<typeof heard>) {
  const trusted = await trustedOf(from)
  const found = { keys: [] as number[], revisedKeys: [] as number[] }
  const index = new Uint8Array(await (await fetch(`${exportsOf(from)}index.txt`)).arrayBuffer())
  for (const path of parseIndex(index)) {
    const opened = openArchive(new Uint8Array(await (await fetch(exportsOf(from) + path)).arrayBuffer()), trusted)
    assert.ok(opened.ok)
    for (const list of ['keys', 'revisedKeys'] as const) {
      const keys = opened.value[list]
      for (const { key } of matchDiagnosisKeys(keys, sightings)) found[list].push(keys.reportTypes[key]!)
    }
  }
  return found
}

async function pass(seconds: number, ...countries: readonly Country[]): Promise<void> {
  for (const { server } of countries) {
    server.clock.now = later(server.clock.now, seconds)
    await importKeys(server.deps, server.clock.now)
    await exportKeys(server.deps, server.clock.now)
  }
}

test('publish, revise, export, import and match over HTTP with two servers', async (t) => {
  const east = await country(t, 'east')
  const peer: ImportPeer = {
    name: 'east',
    index: `${exportsOf(east)}index.txt`,
    keys: await trustedOf(east),
    reportType: REPORT_TYPE.confirmedTest,
    daysSinceOnset: undefined,
  }
  const west = await country(t, 'west', [peer])
  await pass(0, east, west)
  const keys = phoneKeys(east.server, 10)
  const sightings = heard(keys)
  assert.deepEqual(await matched(east, sightings), { keys: [], revisedKeys: [] })

  const first = await publishOver(east, publishBody(east.server, keys, { testType: 'likely' }))
  assert.deepEqual([first.status, first.json.insertedExposures], [200, 10])
  for (let k = 0; k < 3; k++) await pass(4 * HOURS, east, west)
  const likely = Array.from({ length: 10 }, () => REPORT_TYPE.confirmedClinicalDiagnosis)
  assert.deepEqual(await matched(east, sightings), { keys: likely, revisedKeys: [] })
  for (let k = 0; k < 3; k++) await pass(4 * HOURS, east, west)
  assert.deepEqual(await matched(west, sightings), { keys: likely, revisedKeys: [] })

  const { revisionToken } = first.json
  const second = await publishOver(
    east,
    publishBody(east.server, keys, { testType: 'confirmed', body: { revisionToken } }),
  )
  assert.equal(second.status, 200)
  for (let k = 0; k < 6; k++) await pass(4 * HOURS, east, west)
  const confirmed = likely.map(() => REPORT_TYPE.confirmedTest)
  assert.deepEqual(await matched(east, sightings), { keys: likely, revisedKeys: confirmed })
  assert.deepEqual(await matched(west, sightings), { keys: likely, revisedKeys: confirmed })
})

test('exports over HTTP: the index may be kept for minutes, a file for ever; both say what they are', async (t) => {
  const place = await country(t, 'headers')
  await pass(0, place)
  const get = async (path: string) => {
    const response = await fetch(exportsOf(place) + path)
    const body = new Uint8Array(await response.arrayBuffer())
    return { status: response.status, headers: response.headers, body }
  }
  const index = await get('index.txt')
  assert.deepEqual(
    [index.headers.get('content-type'), index.headers.get('cache-control')],
    ['text/plain', 'public, max-age=300'],
  )
  const file = await get(parseIndex(index.body)[0]!)
  assert.equal(file.headers.get('content-type'), 'application/zip')
  assert.match(file.headers.get('cache-control')!, /immutable/)
  for (const path of ['', 'x.zip', '..%2f..%2fetc%2fpasswd', '%00']) assert.equal((await get(path)).status, 404, path)
})

test('publish over HTTP: real and chaff differ in nothing that is seen from outside', async (t) => {
  const place = await country(t, 'chaff')
  const body = publishBody(place.server, phoneKeys(place.server, 14))
  const answers = [
    await publishOver(place, body),
    await publishOver(place, { ...body, padding: `chaff${body.padding.slice(5)}` }),
    await publishOver(place, body, { 'x-chaff': '1' }),
  ]
  const seen = answers.map(({ status, size, headers }) => [
    status,
    size,
    [...headers].filter(([name]) => name !== 'date').sort(),
  ])
  assert.deepEqual(seen[1], seen[0])
  assert.deepEqual(seen[2], seen[0])
})

test('publish over HTTP: too long a body is refused with the code of the format, a far longer one unread', async (t) => {
  const place = await country(t, 'long')
  const long = await publishOver(place, { padding: 'x'.repeat(65_000) })
  assert.deepEqual([long.status, long.json.code], [413, 'bad_request'])
  const longer = await publishOver(place, { padding: 'x'.repeat(300_000) })
  assert.equal(longer.status, 400)
})

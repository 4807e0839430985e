// Import: keys of other countries, from the exports that everybody may read.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { DAY_SECONDS, type UnixSeconds } from '@vicinity/protocol'
import { publicPoint } from '@vicinity/protocol/crypto'
import {
  columnsOf,
  type DiagnosisKey,
  ECDSA_WITH_SHA256,
  type IntervalNumber,
  keyStartAt,
  packArchive,
  packExport,
  packIndex,
  REPORT_TYPE,
  signExport,
} from '@vicinity/protocol/gaen'
import { type Download, downloadUntil } from '../src/download.ts'
import { exportVerificationKeys } from '../src/flows/key-server/export.ts'
import { importKeys } from '../src/flows/key-server/import.ts'
import type { ImportPeer } from '../src/gaen-settings.ts'
import { NOON, randomOf } from './fixture.ts'
import {
  hexOf,
  hexOfPhoneKey,
  type KeyServer,
  type KeyServerOptions,
  keyServer,
  keysIn,
  listedExports,
  phoneKeys,
  publishKeys,
  runExports,
} from './key-server-fixture.ts'

const download = downloadUntil(new AbortController().signal)
const HOURS = 3600
const INDEX = 'http://peer.example/exports/index.txt'
const random = randomOf('import')

/** A web server of files by address; counts what was fetched. */
function webOf(files: Map<string, Uint8Array>) {
  const fetched: string[] = []
  const get: Download = async (url, most) => {
    fetched.push(url)
    const bytes = files.get(url)
    if (bytes !== undefined && bytes.length > most) throw new Error('longer')
    return bytes
  }
  return { get, fetched }
}

const SECRET = new Uint8Array(32).fill(7)
const TRUSTED = [{ keyId: '310', keyVersion: 'v1', point: publicPoint(SECRET) }]
const PEER: ImportPeer = {
  name: 'peer',
  index: INDEX,
  keys: TRUSTED,
  reportType: REPORT_TYPE.confirmedTest,
  daysSinceOnset: undefined,
}

function archiveOf(keys: readonly DiagnosisKey[], revised: readonly DiagnosisKey[] = [], secret = SECRET): Uint8Array {
  const header = {
    startTimestamp: NOON,
    endTimestamp: (NOON + HOURS) as UnixSeconds,
    region: 'YY',
    batchNumber: 1,
    batchSize: 1,
    signatureInfos: [{ verificationKeyId: '310', verificationKeyVersion: 'v1', signatureAlgorithm: ECDSA_WITH_SHA256 }],
  }
  const bin = packExport(header, columnsOf(keys), columnsOf(revised))
  return packArchive(bin, signExport(bin, header, [secret]))
}

const keyOf = (age: number, changes: Partial<DiagnosisKey> = {}): DiagnosisKey => ({
  keyData: random(16),
  rollingStart: (keyStartAt(NOON) - 144 * age) as IntervalNumber,
  rollingPeriod: 144,
  transmissionRisk: 3,
  reportType: REPORT_TYPE.confirmedClinicalDiagnosis,
  daysSinceOnset: 1,
  ...changes,
})

interface Scene {
  readonly server: KeyServer
  readonly files: Map<string, Uint8Array>
  readonly fetched: string[]
  readonly put: (archives: Readonly<Record<string, Uint8Array>>) => void
  readonly run: () => Promise<void>
}

function scene(t: TestContext, peer: Partial<ImportPeer> = {}, options: KeyServerOptions = {}): Scene {
  const files = new Map<string, Uint8Array>()
  const { get, fetched } = webOf(files)
  const server = keyServer(t, { ...options, settings: { peers: [{ ...PEER, ...peer }] }, download: get })
  return {
    server,
    files,
    fetched,
    put(archives) {
      for (const [path, bytes] of Object.entries(archives)) files.set(new URL(path, INDEX).href, bytes)
      files.set(INDEX, packIndex([...Object.keys(archives)]))
    },
    run: () => importKeys(server.deps, server.clock.now),
  }
}

const storedKeys = ({ deps }: KeyServer) =>
  deps.store.transaction((tx) => tx.keysReleased(0 as UnixSeconds, (2 ** 43) as UnixSeconds))
const countOf = ({ deps }: KeyServer, what: string) => deps.counts.get(`import.${what}`) ?? 0

test('import: the keys of a signed file are stored with their source, each file once', async (t) => {
  const { server, put, run, fetched } = scene(t)
  const keys = [keyOf(1), keyOf(2, { rollingPeriod: 10, reportType: REPORT_TYPE.selfReport })]
  put({ 'a/1.zip': archiveOf(keys) })
  await run()
  const rows = await storedKeys(server)
  assert.deepEqual(
    rows.map(({ key, source, release }) => [
      hexOf(key),
      key.reportType,
      key.transmissionRisk,
      key.rollingPeriod,
      source,
      release,
    ]),
    keys
      .map((key) => [hexOf(key), key.reportType, 3, key.rollingPeriod, 'peer', NOON])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  )
  await run()
  assert.deepEqual(fetched, [INDEX, 'http://peer.example/exports/a/1.zip', INDEX])
  assert.equal(countOf(server, 'keys'), 2)
})

test('import: keys that say nothing get what the settings say; those that are over, ahead or revoked are left out', async (t) => {
  const { server, put, run } = scene(t, { reportType: REPORT_TYPE.selfReport, daysSinceOnset: 3 })
  const silent = keyOf(1, { reportType: REPORT_TYPE.unknown, daysSinceOnset: undefined })
  put({
    '1.zip': archiveOf([silent, keyOf(17), keyOf(-1), keyOf(1, { reportType: REPORT_TYPE.revoked })]),
  })
  await run()
  const rows = await storedKeys(server)
  assert.deepEqual(
    rows.map(({ key }) => [hexOf(key), key.reportType, key.daysSinceOnset]),
    [[hexOf(silent), REPORT_TYPE.selfReport, 3]],
  )
})

test('import: a key that is still valid waits here too', async (t) => {
  const { server, put, run } = scene(t)
  put({ '1.zip': archiveOf([keyOf(0)]) })
  await run()
  const [row] = await storedKeys(server)
  assert.equal(row!.release, NOON + 13 * HOURS)
})

test('import: forged, malformed, oversized and absent files are counted, and hold up no other', async (t) => {
  const { server, put, run, fetched } = scene(t)
  const good = keyOf(1)
  put({
    '1.zip': archiveOf([keyOf(1)], [], new Uint8Array(32).fill(8)),
    '2.zip': random(300),
    '3.zip': archiveOf([good]),
  })
  await run()
  assert.deepEqual(
    (await storedKeys(server)).map(({ key }) => hexOf(key)),
    [hexOf(good)],
  )
  assert.deepEqual(
    [countOf(server, 'signatureForged'), countOf(server, 'malformed'), countOf(server, 'files')],
    [1, 1, 1],
  )
  await run()
  assert.equal(fetched.filter((url) => url.endsWith('3.zip')).length, 1)
  assert.equal(
    fetched.filter((url) => url.endsWith('1.zip')).length,
    2,
    'a key may have been added to the settings by then',
  )
})

test('import: a listed file that is gone is passed over', async (t) => {
  const { server, files, put, run } = scene(t)
  put({ '1.zip': archiveOf([keyOf(1)]), '2.zip': archiveOf([keyOf(2)]) })
  files.delete('http://peer.example/exports/1.zip')
  await run()
  assert.deepEqual([countOf(server, 'fileGone'), countOf(server, 'keys')], [1, 1])
})

test('import: a peer without an index, or with one that leads elsewhere, is counted', async (t) => {
  const { server, files, run, fetched } = scene(t)
  await run()
  files.set(INDEX, new TextEncoder().encode('../../etc/passwd'))
  await run()
  files.set(INDEX, new TextEncoder().encode('http://other.example/x.zip'))
  await run()
  files.set(INDEX, new Uint8Array(2 * 1024 * 1024))
  await run()
  assert.equal(countOf(server, 'peerFailed'), 4)
  assert.deepEqual(new Set(fetched), new Set([INDEX]))
})

test('import: a revision counts when the key came from the same peer, and may change so', async (t) => {
  const { server, put, run } = scene(t)
  const [likely, confirmed] = [keyOf(1), keyOf(2, { reportType: REPORT_TYPE.confirmedTest })]
  const ours = phoneKeys(server, 1)
  await publishKeys(server, ours, { testType: 'likely' })
  const own = (await storedKeys(server))[0]!.key
  put({ '1.zip': archiveOf([likely, confirmed]) })
  await run()
  const revised = [likely, confirmed, own, keyOf(3)].map((key) => ({ ...key, reportType: REPORT_TYPE.revoked }))
  put({ '1.zip': archiveOf([likely, confirmed]), '2.zip': archiveOf([], revised) })
  await run()
  const changed = (await storedKeys(server)).filter(({ revision }) => revision !== undefined)
  assert.deepEqual(
    changed.map(({ key }) => hexOf(key)),
    [hexOf(likely)],
  )
  assert.equal(countOf(server, 'revisions'), 1)
})

test('import: a path is forgotten thirty days after an index last listed it', async (t) => {
  const { server, put, run } = scene(t)
  const remembered = () => server.deps.store.transaction((tx) => tx.importedFiles('peer'))
  put({ '1.zip': archiveOf([keyOf(1)]) })
  for (let day = 0; day < 40; day += 10) {
    await run()
    assert.equal((await remembered()).size, 1)
    server.clock.now = (server.clock.now + 10 * DAY_SECONDS) as UnixSeconds
  }
  put({})
  await run()
  server.clock.now = (server.clock.now + 31 * DAY_SECONDS) as UnixSeconds
  await run()
  assert.equal((await remembered()).size, 0)
})

test('import: two servers that read each other have every key once, and neither gets its own back', async (t) => {
  const files = new Map<string, Uint8Array>()
  const { get } = webOf(files)
  const addresses = { east: 'http://east.example/exports/', west: 'http://west.example/exports/' }
  const plain = { east: keyServer(t, { name: 'east' }), west: keyServer(t, { name: 'west' }) }
  const peerOf = (name: 'east' | 'west'): ImportPeer => ({
    ...PEER,
    name,
    index: `${addresses[name]}index.txt`,
    keys: exportVerificationKeys(plain[name].deps),
  })
  const withPeer = (server: KeyServer, peer: ImportPeer): KeyServer => {
    const { gaen } = server.deps.settings
    const settings = { ...server.deps.settings, gaen: { ...gaen, keyServer: { ...gaen.keyServer, peers: [peer] } } }
    return { ...server, deps: { ...server.deps, settings, download: get } }
  }
  const east = withPeer(plain.east, peerOf('west'))
  const west = withPeer(plain.west, peerOf('east'))
  const own = phoneKeys(east, 10)
  await publishKeys(east, own)
  for (let hours = 0; hours < 24; hours += 4) {
    for (const [server, address] of [
      [east, addresses.east],
      [west, addresses.west],
    ] as const) {
      await importKeys(server.deps, server.clock.now)
      await runExports(server, 4 * HOURS)
      for (const name of await server.files.list()) files.set(address + name, (await server.files.read(name))!)
    }
  }
  const names = new Set(own.map(hexOfPhoneKey))
  for (const server of [east, west]) {
    const all = (await listedExports(server)).flatMap((file) => keysIn(file).map(hexOf))
    assert.equal(all.filter((name) => names.has(name)).length, 10)
    assert.equal(new Set(all).size, all.length, 'no key is in two exports of one server')
  }
})

test('download: no more than asked for, nothing for what is not there, an error for the rest', async (t) => {
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    if (path === '/gone') return void response.writeHead(410).end('x')
    if (path === '/absent') return void response.writeHead(404).end('x')
    if (path === '/broken') return void response.writeHead(500).end('x')
    response.writeHead(200)
    return void response.end(Buffer.alloc(1000, 1))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  assert.deepEqual(await download(`${url}/a`, 1000), Buffer.alloc(1000, 1))
  assert.equal(await download(`${url}/gone`, 10), undefined)
  assert.equal(await download(`${url}/absent`, 10), undefined)
  await assert.rejects(download(`${url}/a`, 999), /longer than 999/)
  await assert.rejects(download(`${url}/broken`, 10), /the answer is 500/)
})

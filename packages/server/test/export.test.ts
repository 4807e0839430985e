// Exports: windows, files, signatures, index, and what becomes of old ones.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_SECONDS, type UnixSeconds } from '@vicinity/protocol'
import { openArchive, parseIndex, unpackArchive } from '@vicinity/protocol/gaen'
import { callDeployed } from '../src/deployed-dispatch.ts'
import { memoryFiles } from '../src/export-files.ts'
import { exportKeys, exportVerificationKeys } from '../src/flows/key-server/export.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import { NOT_LISTED } from '../src/store/key-server.ts'
import { NOON } from './fixture.ts'
import {
  hexOf,
  hexOfPhoneKey,
  type KeyServer,
  keyServer,
  keysIn,
  listedExports,
  phoneKey,
  phoneKeys,
  publishKeys,
  runExports,
} from './key-server-fixture.ts'

const HOURS = 3600
const textOf = async ({ files }: KeyServer, name = 'index.txt') => new TextDecoder().decode(await files.read(name))
const namesOf = (keys: Parameters<typeof hexOfPhoneKey>[0][]) => new Set(keys.map(hexOfPhoneKey))

test('export: a window is exported two hours after its end, not a second earlier', async (t) => {
  const server = keyServer(t)
  const keys = phoneKeys(server, 14)
  await publishKeys(server, keys)
  const due = (NOON + 6 * HOURS) as UnixSeconds
  await exportKeys(server.deps, (due - 1) as UnixSeconds)
  const before = await listedExports(server)
  assert.ok(before.every(({ header }) => header.endTimestamp <= NOON))
  await exportKeys(server.deps, due)
  const file = (await listedExports(server)).at(-1)!
  assert.deepEqual([file.header.startTimestamp, file.header.endTimestamp], [NOON, NOON + 4 * HOURS])
  assert.deepEqual([file.header.batchNumber, file.header.batchSize, file.header.region], [1, 1, 'XX'])
  assert.equal(file.path, `${NOON}-${NOON + 4 * HOURS}-00001.zip`)
  const names = namesOf(keys)
  assert.equal(keysIn(file).filter((key) => names.has(hexOf(key))).length, 14)
})

test('export: windows follow each other without a gap, also after the back-end was away, and empty ones are full', async (t) => {
  const server = keyServer(t)
  await runExports(server)
  await runExports(server, 3 * DAY_SECONDS)
  const files = await listedExports(server)
  assert.equal(files.length, 1 + 18)
  for (const [k, { header, keys, revisedKeys }] of files.entries()) {
    if (k > 0) assert.equal(header.startTimestamp, files[k - 1]!.header.endTimestamp)
    assert.equal((header.endTimestamp - header.startTimestamp) % (4 * HOURS), 0)
    assert.ok(keys.count > 800 && revisedKeys.count >= 50)
  }
  assert.equal(
    await textOf(server),
    files
      .map(({ path }) => path)
      .sort()
      .join('\n'),
  )
})

test('export: the first window begins with the first key, at most 14 days back', async (t) => {
  const server = keyServer(t)
  await publishKeys(server, phoneKeys(server, 2))
  await runExports(server, 2 * DAY_SECONDS)
  assert.equal((await listedExports(server))[0]!.header.startTimestamp, NOON)
  const late = keyServer(t, { exports: { padding: { level: 1, onsetDays: 1 } } })
  await publishKeys(late, phoneKeys(late, 2))
  await runExports(late, 30 * DAY_SECONDS)
  assert.equal((await listedExports(late)).length, 14 * 6 - 1)
})

test('export: another length of windows goes on where the last one ended', async (t) => {
  const [files, keyFiles] = [memoryFiles(), memoryKeys()]
  const before = keyServer(t, { files, keyFiles })
  await runExports(before)
  const exports = { ...before.deps.settings.gaen.keyServer.exports, window: 24 * HOURS }
  const { gaen } = before.deps.settings
  const deps = {
    ...before.deps,
    settings: { ...before.deps.settings, gaen: { ...gaen, keyServer: { ...gaen.keyServer, exports } } },
  }
  await exportKeys(deps, (NOON + 3 * DAY_SECONDS) as UnixSeconds)
  const spans = (await listedExports(before)).map(({ header }) => [
    header.startTimestamp - NOON,
    header.endTimestamp - NOON,
  ])
  assert.deepEqual(spans, [
    [-8 * HOURS, -4 * HOURS],
    [-4 * HOURS, 12 * HOURS],
    [12 * HOURS, 36 * HOURS],
    [36 * HOURS, 60 * HOURS],
  ])
})

test('export: all signing keys that hold sign together, so that one can follow another', async (t) => {
  const change = (NOON + DAY_SECONDS) as UnixSeconds
  const signers = [
    { version: 'v1', from: 0 as UnixSeconds, until: (change + DAY_SECONDS) as UnixSeconds },
    { version: 'v2', from: change, until: (2 ** 43) as UnixSeconds },
  ]
  const server = keyServer(t, { exports: { signers, keyId: '310' } })
  await runExports(server)
  await runExports(server, 3 * DAY_SECONDS)
  const [v1, v2] = exportVerificationKeys(server.deps)
  const versions = new Set<string>()
  for (const path of parseIndex((await server.files.read('index.txt'))!)) {
    const archive = (await server.files.read(path))!
    const has = (key: typeof v1) => openArchive(archive, [key!]).ok
    const opened = openArchive(archive, [v1!, v2!])
    assert.ok(opened.ok)
    const infos = opened.value.header.signatureInfos
    assert.deepEqual(
      infos.map(({ verificationKeyVersion }) => verificationKeyVersion),
      [v1!, v2!].filter(has).map(({ keyVersion }) => keyVersion),
    )
    assert.ok(infos.every(({ verificationKeyId }) => verificationKeyId === '310'))
    versions.add(infos.map(({ verificationKeyVersion }) => verificationKeyVersion).join('+'))
  }
  assert.deepEqual([...versions], ['v1', 'v1+v2', 'v2'])
})

test('export: without a signing key for its time nothing is exported', async (t) => {
  const server = keyServer(t, { exports: { signers: [] } })
  await assert.rejects(runExports(server), /no key signs the exports of this time/)
  assert.deepEqual(await server.files.list(), [])
})

test('export: more keys than a file takes are split, each file with an end of its own', async (t) => {
  const server = keyServer(t, { exports: { mostKeys: 300 } })
  const keys = phoneKeys(server, 14)
  await publishKeys(server, keys, { testType: 'likely' })
  await runExports(server, 8 * HOURS)
  const files = (await listedExports(server)).filter(({ header }) => header.startTimestamp === NOON)
  assert.ok(files.length >= 4)
  assert.deepEqual(
    files.map(({ header }) => header.endTimestamp - NOON),
    files.map((_, k) => 4 * HOURS + k),
  )
  assert.ok(files.every(({ keys, revisedKeys }) => keys.count + revisedKeys.count <= 300))
  assert.ok(files.slice(0, -1).every(({ keys, revisedKeys }) => keys.count + revisedKeys.count === 300))
  const all = files.flatMap((file) => keysIn(file).map(hexOf))
  assert.equal(new Set(all).size, all.length)
  assert.deepEqual(all, [...all].sort())
  const names = namesOf(keys)
  assert.equal(all.filter((name) => names.has(name)).length, 14)
})

test('export: the same keys give the same bytes, on another machine too', async (t) => {
  const keyFiles = memoryKeys()
  const run = async () => {
    const server = keyServer(t, { keyFiles, name: 'same' })
    const { revisionToken } = await publishKeys(server, phoneKeys(server, 14), { testType: 'likely' })
    assert.ok(revisionToken)
    await runExports(server, DAY_SECONDS)
    return Promise.all((await server.files.list()).map(async (name) => [name, await server.files.read(name)]))
  }
  assert.deepEqual(await run(), await run())
})

test('export: a file that is there keeps its bytes; the index is set right when it is lost', async (t) => {
  const server = keyServer(t)
  await runExports(server)
  const [path] = parseIndex((await server.files.read('index.txt'))!)
  const before = await textOf(server)
  await server.files.remove('index.txt')
  await server.deps.store.transaction((tx) => tx.listExportWindow((NOON - 8 * HOURS) as UnixSeconds, NOT_LISTED))
  await server.files.write(path!, Uint8Array.of(1))
  await runExports(server)
  assert.equal(await textOf(server), before)
  assert.deepEqual(await server.files.read(path!), Uint8Array.of(1))
})

test('export: after 14 days the index lists a file no more, a day later it is gone with its keys', async (t) => {
  const server = keyServer(t, { exports: { padding: { level: 1, onsetDays: 1 } } })
  const keys = [phoneKey(server, 0)]
  await publishKeys(server, keys)
  await runExports(server, DAY_SECONDS)
  const [path] = parseIndex((await server.files.read('index.txt'))!)
  const first = Number(path!.split('-')[1])
  const state = async (at: number) => {
    await exportKeys(server.deps, at as UnixSeconds)
    return [(await textOf(server)).includes(path!), (await server.files.read(path!)) !== undefined]
  }
  const DAYS = 14 * DAY_SECONDS
  assert.deepEqual(await state(first + DAYS - 1), [true, true])
  assert.deepEqual(await state(first + DAYS), [false, true])
  assert.deepEqual(await state(first + DAYS + DAY_SECONDS - 1), [false, true])
  assert.deepEqual(await state(first + DAYS + DAY_SECONDS), [false, false])
  await exportKeys(server.deps, (first + 17 * DAY_SECONDS) as UnixSeconds)
  const rows = await server.deps.store.transaction((tx) =>
    tx.keysReleased(0 as UnixSeconds, (first + DAYS) as UnixSeconds),
  )
  const names = namesOf(keys)
  assert.ok(rows.every(({ key }) => !names.has(hexOf(key))))
  const listed = parseIndex((await server.files.read('index.txt'))!)
  assert.ok(listed.length <= 14 * 6 && listed.length >= 14 * 6 - 1)
})

test('export: a back-end without files makes none, and forgets keys all the same', async (t) => {
  const server = keyServer(t)
  await publishKeys(server, phoneKeys(server, 3))
  const deps = { ...server.deps, exportFiles: undefined }
  const count = () =>
    deps.store.transaction(async (tx) => (await tx.keysReleased(0 as UnixSeconds, (2 ** 43) as UnixSeconds)).length)
  await exportKeys(deps, (NOON + 15 * DAY_SECONDS) as UnixSeconds)
  assert.equal(await count(), 3)
  await exportKeys(deps, (NOON + 15 * DAY_SECONDS + 1) as UnixSeconds)
  assert.equal(await count(), 0)
  const call = { method: 'GET', path: '/exports/index.txt', body: undefined, headers: {} } as const
  assert.equal((await callDeployed(deps, call, NOON)).status, 404)
})

test('export: index and files are served, and nothing beside them', async (t) => {
  const server = keyServer(t)
  await runExports(server)
  const get = (path: string) =>
    callDeployed(server.deps, { method: 'GET', path, body: undefined, headers: {} }, server.clock.now)
  const index = await get('/exports/index.txt')
  assert.equal(index.status, 200)
  const [path] = parseIndex(index.body)
  const file = await get(`/exports/${path}`)
  assert.equal(file.status, 200)
  assert.ok(unpackArchive(file.body).bin.length > 1000)
  for (const wrong of ['', 'nothing.zip', '../vicinity.db', '%2e%2e/x', '/etc/passwd', 'a//b', `${path}/x`]) {
    assert.equal((await get(`/exports/${wrong}`)).status, 404, wrong)
  }
})

test('export: where nothing is invented, a window without keys makes no file, and the next one follows', async (t) => {
  const server = keyServer(t, { exports: { padding: undefined } })
  await runExports(server)
  await runExports(server, DAY_SECONDS)
  assert.deepEqual(await listedExports(server), [])
  const windows = await server.deps.store.transaction((tx) => tx.exportWindows())
  assert.ok(windows.length > 3 && windows.every(({ listed }) => listed === 0))
})

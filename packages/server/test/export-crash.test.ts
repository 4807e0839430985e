// The exporter dies at any moment. What phones find then is the old index or the new one, and every file that it lists, whole and signed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { DAY_SECONDS, drawBelow, type UnixSeconds } from '@vicinity/protocol'
import { directoryFiles, type ExportFiles } from '../src/export-files.ts'
import { exportKeys } from '../src/flows/key-server/export.ts'
import { directoryKeys, memoryKeys } from '../src/keys/key-files.ts'
import { NOON, randomOf, temporaryDirectory } from './fixture.ts'
import { hexOf, hexOfPhoneKey, keyServer, keysIn, listedExports, phoneKeys, publishKeys } from './key-server-fixture.ts'

const HOURS = 3600
const SMALL = { padding: { level: 1, onsetDays: 1 }, mostKeys: 100 }

/** Dies with its n-th call: that one and all later ones are not performed. */
function mortalFiles(files: ExportFiles, calls: number): ExportFiles & { died: () => boolean } {
  let left = calls
  const unlessDead = <Rest extends unknown[], Result>(run: (...rest: Rest) => Promise<Result>) => {
    return async (...rest: Rest): Promise<Result> => {
      if (left <= 0) throw new Error('died')
      left--
      if (left === 0) throw new Error('died')
      return run(...rest)
    }
  }
  return {
    write: unlessDead(files.write),
    read: unlessDead(files.read),
    list: unlessDead(files.list),
    remove: unlessDead(files.remove),
    died: () => left <= 0,
  }
}

const indexOf = async (files: ExportFiles) =>
  new TextDecoder().decode((await files.read('index.txt')) ?? new Uint8Array(0))

test('export: dying at its first, second, third … call leaves the old index or the new one, and all files that it lists', async (t) => {
  const first = keyServer(t, { exports: SMALL, name: 'crash' })
  await publishKeys(first, phoneKeys(first, 14))
  await exportKeys(first.deps, (NOON + 7 * HOURS) as UnixSeconds)
  await exportKeys(first.deps, (NOON + 14 * DAY_SECONDS + 29 * HOURS) as UnixSeconds)
  const final = await indexOf(first.files)
  let deaths = 0
  for (let calls = 1; ; calls++) {
    const keyFiles = memoryKeys()
    const server = keyServer(t, { exports: SMALL, keyFiles, name: 'crash' })
    const keys = phoneKeys(server, 14)
    await publishKeys(server, keys)
    await exportKeys(server.deps, (NOON + 7 * HOURS) as UnixSeconds)
    const old = await indexOf(server.files)
    // Two windows more to make, and the first to remove.
    const last = (NOON + 9 * HOURS) as UnixSeconds
    const files = mortalFiles(server.files, calls)
    const run = exportKeys({ ...server.deps, exportFiles: files }, (last + 4 * HOURS) as UnixSeconds)
    const died = await run.then(
      () => false,
      () => true,
    )
    assert.equal(died, files.died())
    const now = await indexOf(server.files)
    const listed = await listedExports(server)
    assert.ok(now.startsWith(old), `after ${calls} calls the index is an old one or a new one`)
    await exportKeys(server.deps, (last + 4 * HOURS) as UnixSeconds)
    const after = await listedExports(server)
    assert.ok(after.length >= listed.length)
    const names = new Set(keys.map(hexOfPhoneKey))
    assert.equal(after.flatMap((file) => keysIn(file)).filter((key) => names.has(hexOf(key))).length, 14)
    if (!died) break
    deaths++
  }
  assert.ok(deaths > 10, `${deaths} deaths`)
  assert.ok(final.length > 0)
})

test('export: dying while old files are removed leaves no listed file missing', async (t) => {
  const late = (NOON + 15 * DAY_SECONDS + 4 * HOURS) as UnixSeconds
  for (let calls = 1; ; calls++) {
    const server = keyServer(t, { exports: { ...SMALL, window: DAY_SECONDS }, name: 'old' })
    await exportKeys(server.deps, NOON)
    const files = mortalFiles(server.files, calls)
    const died = await exportKeys({ ...server.deps, exportFiles: files }, late).then(
      () => false,
      () => true,
    )
    await listedExports(server)
    await exportKeys(server.deps, late)
    const listed = (await listedExports(server)).map(({ path }) => path)
    const there = (await server.files.list()).filter((name) => name !== 'index.txt')
    assert.deepEqual(
      there.filter((name) => Number(name.split('-')[1]!.slice(0, 10)) > late - 14 * DAY_SECONDS),
      listed,
    )
    if (!died) break
    // The middle of many windows is like their beginning.
    if (calls > 12) calls += 7
  }
})

const ROUNDS = 40

test('export: killed at random moments, 40 times, the exporter leaves an index whose files are all whole', {
  timeout: 240_000,
}, async (t) => {
  const directory = temporaryDirectory(t)
  const [store, keys, files] = [
    `sqlite:${join(directory, 'database')}`,
    join(directory, 'keys'),
    join(directory, 'files'),
  ]
  const random = randomOf('kills')
  const script = new URL('exporting-child.ts', import.meta.url).pathname
  let from = NOON as number
  let killed = 0
  let listedBefore = 0
  for (let round = 0; round < ROUNDS; round++) {
    const parts = [
      '--conditions=@vicinity/source',
      script,
      store,
      keys,
      files,
      String(from),
      String(from + 60 * DAY_SECONDS),
    ]
    const child = spawn(process.execPath, parts, { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), drawBelow(random, 300)))
    const [, signal] = await once(child, 'close')
    if (signal === 'SIGKILL') killed++
    const reader = keyServer(t, { keyFiles: directoryKeys(keys), files: directoryFiles(files) })
    const listed = await listedExports(reader)
    const newest = listed.at(-1)?.header.endTimestamp ?? 0
    assert.ok(newest >= listedBefore, 'the index never goes back')
    listedBefore = newest
    from = Math.max(from, newest)
  }
  assert.ok(killed > ROUNDS / 2, `${killed} of ${ROUNDS} were killed while they worked`)
  assert.ok(listedBefore > NOON)
  // The next one brings everything in order.
  const last = keyServer(t, { store, keyFiles: directoryKeys(keys), files: directoryFiles(files), exports: SMALL })
  await exportKeys(last.deps, (from + DAY_SECONDS) as UnixSeconds)
  assert.ok((await listedExports(last)).at(-1)!.header.endTimestamp > listedBefore)
})

// Whoever has every export for ever cannot tell which keys are real (docs/decisions/0008).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_SECONDS, drawBelow, toHex, type UnixSeconds } from '@vicinity/protocol'
import { analysePadding, type DiagnosisKey, type TestType } from '@vicinity/protocol/gaen'
import { inventedNames, levelOf, nameOfKind, scheduledKinds } from '../src/flows/key-server/padding.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import { NOON, randomOf } from './fixture.ts'
import {
  hexOf,
  hexOfPhoneKey,
  type KeyServer,
  keyServer,
  keysIn,
  type ListedExport,
  listedExports,
  onsetOf,
  type PhoneKey,
  phoneKey,
  phoneKeys,
  publishKeys,
  runExports,
} from './key-server-fixture.ts'

const HOURS = 3600

/** Everything that the exports say of a key, ever: when it came, what it was, when it changed, into what. */
type Histories = Map<string, { readonly text: string; readonly real: boolean }>

function historiesOf(files: readonly ListedExport[], real: ReadonlySet<string>): Histories {
  const histories: Histories = new Map()
  const say = (key: DiagnosisKey, what: string) => {
    const before = histories.get(hexOf(key))?.text ?? ''
    histories.set(hexOf(key), { text: `${before}${what} ${nameOfKind(key)}; `, real: real.has(hexOf(key)) })
  }
  for (const file of files) {
    for (const key of keysIn(file)) say(key, `first ${file.header.startTimestamp}`)
    for (const key of keysIn(file, 'revisedKeys')) say(key, `revised ${file.header.startTimestamp}`)
  }
  return histories
}

/** The histories of which no more invented keys than real ones tell. */
function exposed(histories: Histories): string[] {
  const counts = new Map<string, { real: number; invented: number }>()
  for (const { text, real } of histories.values()) {
    const count = counts.get(text) ?? { real: 0, invented: 0 }
    count[real ? 'real' : 'invented']++
    counts.set(text, count)
  }
  return [...counts].filter(([, { real, invented }]) => real > 0 && invented < real).map(([text]) => text)
}

interface Upload {
  readonly keys: readonly PhoneKey[]
  readonly token: string
  readonly testType: TestType
}

/** Three weeks of a small country: people of every kind publish, some of them twice. */
async function liveThrough(server: KeyServer, hours: number, uploads: number): Promise<Set<string>> {
  const random = randomOf('people')
  const real = new Set<string>()
  const waiting: Upload[] = []
  for (let passed = 0; passed < hours; passed += 4) {
    for (let upload = drawBelow(random, uploads + 1); upload > 0; upload--) {
      const done = await publishSomething(server, random)
      for (const key of done.keys) real.add(hexOfPhoneKey(key))
      if (done.testType !== 'confirmed') waiting.push(done)
    }
    if (drawBelow(random, 3) === 0 && waiting.length > 0) {
      const [{ keys, token }] = waiting.splice(drawBelow(random, waiting.length), 1) as [Upload]
      const testType = drawBelow(random, 2) === 0 ? 'confirmed' : 'negative'
      const answer = await publishKeys(server, keys, { testType, body: { revisionToken: token } })
      assert.ok([200, 400].includes(answer.status))
    }
    await runExports(server, 4 * HOURS)
  }
  await runExports(server, 2 * DAY_SECONDS)
  return real
}

async function publishSomething(server: KeyServer, random: ReturnType<typeof randomOf>): Promise<Upload> {
  const { now } = server.clock
  const testType = (['confirmed', 'confirmed', 'likely', 'user-report'] as const)[drawBelow(random, 4)]!
  const keys = phoneKeys(server, 1 + drawBelow(random, 14))
  const today = phoneKey(server, 0)
  const cut = Math.floor(now / 600) - today.rollingStartNumber
  if (drawBelow(random, 2) === 0)
    keys.push(drawBelow(random, 2) === 0 ? today : { ...today, rollingPeriod: Math.max(cut, 1) })
  const risk = drawBelow(random, 10) === 0 ? { transmissionRisk: 1 + drawBelow(random, 8) } : {}
  const sent = keys.map((key) => ({ ...key, ...risk }))
  const onset = drawBelow(random, 3) === 0 ? {} : { onset: onsetOf(now, drawBelow(random, 14)) }
  const answer = await publishKeys(server, sent, { testType, ...onset })
  assert.equal(answer.status, 200)
  return { keys: sent, token: answer.revisionToken, testType }
}

test('padding: over three weeks, every history that a real key has is told by as many invented ones, and nothing is found', {
  timeout: 240_000,
}, async (t) => {
  const server = keyServer(t, { name: 'weeks' })
  await runExports(server)
  // A listing of 14 days is all that anybody gets at once; files are collected as they appear.
  const collected = new Map<string, ListedExport>()
  const real = new Set<string>()
  for (let week = 0; week < 3; week++) {
    for (const key of await liveThrough(server, 5 * 24, 4)) real.add(key)
    for (const file of await listedExports(server)) collected.set(file.path, file)
  }
  const files = [...collected.values()].sort((a, b) => a.header.startTimestamp - b.header.startTimestamp)
  assert.ok(files.length >= 21 * 6)
  const histories = historiesOf(files, real)
  const published = [...histories.values()].filter((history) => history.real)
  assert.ok(published.length > 1000, `${published.length} real keys`)
  assert.ok(published.filter(({ text }) => text.includes('revised')).length > 50)
  assert.deepEqual(exposed(histories), [])
  const analysis = analysePadding(files.map((file) => ({ name: file.path, file })))
  assert.deepEqual(analysis.findings, [])
  assert.deepEqual([analysis.real.size, analysis.invented.size], [0, 0])
})

const perDay = (files: readonly ListedExport[]) => {
  const counts = new Map<string, number>()
  for (const file of files) {
    for (const key of keysIn(file)) {
      const day = `${file.header.startTimestamp}: ${key.rollingStart}`
      counts.set(day, (counts.get(day) ?? 0) + 1)
    }
  }
  return counts
}

test('padding: counts of a day are those of the schedule with people and without', async (t) => {
  const keyFiles = memoryKeys()
  const run = async (uploads: number) => {
    const server = keyServer(t, { keyFiles, name: 'counts' })
    for (let upload = 0; upload < uploads; upload++) {
      await publishKeys(server, phoneKeys(server, 14), { onset: onsetOf(server.clock.now, upload + 1) })
    }
    await runExports(server, 6 * HOURS)
    assert.equal(server.deps.counts.get('padding.aboveLevel'), 0)
    return (await listedExports(server)).filter(({ header }) => header.startTimestamp === NOON)
  }
  const [none, some] = [await run(0), await run(9)]
  assert.deepEqual(perDay(some), perDay(none), 'nine people with 126 keys change no count')
})

test('padding: a kind that many have goes up in powers of two, more than twice as many as there are', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 5, 6, 100].map((count) => levelOf(3, count)),
    [3, 3, 6, 12, 12, 24, 384],
  )
  for (let count = 0; count < 500; count++)
    assert.ok(levelOf(3, count) > 2 * count && levelOf(3, count) <= Math.max(3, 4 * count))
})

test('padding: invented keys stay the same in the store, and only the padding key tells them', async (t) => {
  const server = keyServer(t)
  await publishKeys(server, phoneKeys(server, 14))
  await runExports(server, 6 * HOURS)
  const [file] = (await listedExports(server)).filter(({ header }) => header.startTimestamp === NOON)
  const window = await server.deps.store.transaction(async (tx) => (await tx.exportWindows()).at(-1)!)
  const invented = inventedNames(server.deps.gaenKeys.paddingKey(), window.starts, window.invented)
  const keys = keysIn(file!).map(hexOf)
  assert.equal(keys.filter((key) => !invented.has(key)).length, 14)
  const rows = await server.deps.store.transaction((tx) => tx.keysReleased(window.starts, window.ends))
  assert.deepEqual(
    rows.map(({ key }) => toHex(key.keyData)),
    keys,
  )
  assert.equal(new Set(rows.map(({ source }) => source)).size, 1)
  assert.ok(rows.every(({ release }) => release % HOURS === 0))
  const stranger = inventedNames(new Uint8Array(32), window.starts, window.invented)
  assert.ok(!keys.some((key) => stranger.has(key)))
})

test('padding: every kind of the schedule is in every window', async (t) => {
  const server = keyServer(t)
  await runExports(server, DAY_SECONDS)
  const padding = server.deps.settings.gaen.keyServer.exports.padding!
  for (const file of await listedExports(server)) {
    const kinds = new Map<string, number>()
    for (const key of keysIn(file)) kinds.set(nameOfKind(key), (kinds.get(nameOfKind(key)) ?? 0) + 1)
    const { startTimestamp: starts, endTimestamp: ends } = file.header
    for (const kind of scheduledKinds(padding, { starts, ends }))
      assert.ok(kinds.get(nameOfKind(kind))! >= padding.level)
    assert.ok([...kinds.values()].every((count) => count >= padding.level))
  }
  assert.ok((server.clock.now as UnixSeconds) > NOON)
})

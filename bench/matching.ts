// Matching of diagnosis keys: the whole job, from columns to matches, against the deployed native algorithm in C, a library in
// TypeScript, two threads, and the same code in a browser. Jobs are long: their time is what their thread alone took.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { ecb } from '@noble/ciphers/aes.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type DiagnosisKeys, inOrder, type KeyMatch, matchDiagnosisKeys, type Sightings } from '@vicinity/protocol/gaen'
import { matches as plainly } from '../packages/protocol/test/oracle/matching.ts'
import { needsBrowser, openBrowser } from '../packages/vicinity/test/browser.ts'
import { runInBrowser } from '../test/browser/in-browser.ts'
import type * as page from '../test/browser/matching-page.ts'
import type { Bench, Group } from './group.ts'
import { chanceOf, DECOYS, heardBy, MATCHES, RHYTHMS, someKeys } from './matching-sets.ts'
import type { Done, Given } from './matching-worker.ts'
import { peerOf, percentile10, type Times } from './measure.ts'

const KEYS = 100_000
/** Of the keys, how many the slow forms take. */
const FEW = 500
const TURNS = 9
const LIBCRYPTO = ['-Wl,--no-as-needed', '-lcrypto']

const OFFICE = 'matching, office 10k'
const OFFICE_MANY = 'matching, office 100k'
const NIGHT = 'matching, all night 10k'
const BURSTS = 'matching, bursts 500'
const THREADS = 'matching, two threads'
const CHROMIUM = 'matching in Chromium'

const SETS = [
  { name: OFFICE, rhythm: RHYTHMS.office, count: 10_000, demand: 0.9 },
  { name: OFFICE_MANY, rhythm: RHYTHMS.office, count: 100_000, demand: 2.2 },
  { name: NIGHT, rhythm: RHYTHMS.household, count: 10_000, demand: 0.65 },
  { name: BURSTS, rhythm: RHYTHMS.bursts, count: 500, demand: 1.6 },
] as const

/** What `run` costs this thread, in nanoseconds a key. */
function ownTime(keys: number, run: () => void): number {
  const before = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(before)
  return (1000 * (user + system)) / keys
}

/** The first keys of the columns. */
const firstOf = (keys: DiagnosisKeys, count: number): DiagnosisKeys => ({
  count,
  keyData: keys.keyData.subarray(0, 16 * count),
  starts: keys.starts.subarray(0, count),
  periods: keys.periods.subarray(0, count),
  transmissionRisks: keys.transmissionRisks.subarray(0, count),
  reportTypes: keys.reportTypes.subarray(0, count),
  daysSinceOnset: keys.daysSinceOnset.subarray(0, count),
})

/** Matching with @noble: all identifiers of a key, looked up in a map; then times and periods. */
function withNoble(keys: DiagnosisKeys, { count, identifiers, times }: Sightings): KeyMatch[] {
  const textOf = (bytes: Uint8Array, k: number) => bytes.subarray(16 * k, 16 * (k + 1)).toHex()
  const heard = new Map(Array.from({ length: count }, (_, sighting) => [textOf(identifiers, sighting), sighting]))
  const info = new TextEncoder().encode('EN-RPIK')
  const padded = new Uint8Array(16 * 144)
  for (let n = 0; n < 144; n++) padded.set(new TextEncoder().encode('EN-RPI'), 16 * n)
  const view = new DataView(padded.buffer)
  const matches: KeyMatch[] = []
  for (let key = 0; key < keys.count; key++) {
    const start = keys.starts[key]!
    for (let n = 0; n < 144; n++) view.setUint32(16 * n + 12, start + n, true)
    const identifierKey = hkdf(sha256, keys.keyData.subarray(16 * key, 16 * (key + 1)), undefined, info, 16)
    const derived = ecb(identifierKey, { disablePadding: true }).encrypt(padded)
    for (let n = 0; n < keys.periods[key]!; n++) {
      const sighting = heard.get(textOf(derived, n))
      if (sighting === undefined || Math.abs(times[sighting]! - 600 * (start + n)) > 7200) continue
      matches.push({ key, sighting, interval: (start + n) as never })
    }
  }
  return matches
}

/** A set with the file that the C program reads. It finds the decoys too: it knows no times. */
interface Prepared {
  readonly name: string
  readonly demand: number
  readonly sightings: Sightings
  readonly file: string
}

const DEPLOYED = 'C, the native one as deployed'
const SINCE = 'C, the same, SHA instructions'

/** All sets and both forms of the C program in turns, so that a bad minute of the machine is nobody's alone. */
async function againstNative(bench: Bench, keys: DiagnosisKeys, sets: readonly Prepared[]): Promise<void> {
  const peer = peerOf('matching', LIBCRYPTO)
  const measured = sets.map((set) => ({
    ...set,
    ours: [] as number[],
    deployed: [] as number[],
    since: [] as number[],
  }))
  for (let turn = 0; turn < TURNS && typeof peer !== 'string'; turn++) {
    for (const { sightings, file, ours, deployed, since } of measured) {
      ours.push(ownTime(KEYS, () => void matchDiagnosisKeys(keys, sightings)))
      deployed.push(...peer(`2021:${file}`, 1))
      since.push(...peer(file, 1))
    }
  }
  for (const { name, demand, ours, deployed, since } of measured) {
    const times = (theirs: readonly number[]): Times | string =>
      typeof peer === 'string' ? peer : [percentile10(ours), percentile10(theirs)]
    await bench.compare(name, DEPLOYED, () => times(deployed), demand)
    await bench.compare(name, SINCE, () => times(since))
  }
}

function writeForNative(file: string, keys: DiagnosisKeys, { count, identifiers }: Sightings): string {
  const counts = Uint32Array.of(keys.count, count, MATCHES + DECOYS)
  writeFileSync(
    file,
    Buffer.concat([new Uint8Array(counts.buffer), new Uint8Array(keys.starts.buffer), keys.keyData, identifiers]),
  )
  return file
}

async function againstBrowser(
  keys: DiagnosisKeys,
  { identifiers, times }: Sightings,
  expected: readonly KeyMatch[],
): Promise<Times> {
  const browser = await openBrowser()
  try {
    const columns = { starts: [...keys.starts], periods: [...keys.periods], times: [...times] }
    const given = { ...columns, keyData: keys.keyData.toHex(), identifiers: identifiers.toHex(), rounds: TURNS }
    const module = new URL('../test/browser/matching-page.ts', import.meta.url)
    const { result } = await runInBrowser<typeof page.run>(browser, module, given)
    assert.deepEqual(result.matches, expected)
    const sightings = { count: times.length, identifiers, times }
    const here = Array.from({ length: TURNS }, () => {
      const start = performance.now()
      matchDiagnosisKeys(keys, sightings)
      return performance.now() - start
    })
    const each = (milliseconds: readonly number[]) => (1e6 * percentile10(milliseconds)) / keys.count
    return [each(result.milliseconds), each(here)]
  } finally {
    await browser.close()
  }
}

/** Two threads with the days dealt out, against one: the processor time of all, and the time on the clock. */
async function twoThreads(keys: DiagnosisKeys, sightings: Sightings, expected: readonly KeyMatch[]) {
  const workers = [0, 1].map((part) => {
    const workerData: Given = { keys, sightings, part: { part, of: 2 } }
    return new Worker(new URL('./matching-worker.ts', import.meta.url), { workerData })
  })
  const asked = (worker: Worker): Promise<Done> =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject)
      worker.postMessage('match')
    })
  const all: Record<'cpu' | 'wall', [number[], number[]]> = { cpu: [[], []], wall: [[], []] }
  for (let turn = 0; turn < TURNS; turn++) {
    let start = performance.now()
    const done = await Promise.all(workers.map(asked))
    all.wall[0].push((1e6 * (performance.now() - start)) / KEYS)
    all.cpu[0].push(done.reduce((sum, { cpu }) => sum + (1000 * cpu) / KEYS, 0))
    assert.deepEqual(inOrder(done.flatMap(({ matches }) => matches)), expected)
    start = performance.now()
    all.cpu[1].push(ownTime(KEYS, () => void matchDiagnosisKeys(keys, sightings)))
    all.wall[1].push((1e6 * (performance.now() - start)) / KEYS)
  }
  for (const worker of workers) await worker.terminate()
  const timesOf = ([ours, theirs]: [number[], number[]]): Times => [percentile10(ours), percentile10(theirs)]
  return { cpu: timesOf(all.cpu), wall: timesOf(all.wall) }
}

async function compareMatching(bench: Bench): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vicinity-matching-'))
  const chance = chanceOf('matching')
  const keys = someKeys(KEYS, chance)
  const few = firstOf(keys, FEW)
  try {
    const sets = SETS.filter(({ name }) => bench.runs(name)).map(({ name, rhythm, count, demand }, n) => {
      const met = heardBy(rhythm, count, few, chance)
      const expected = plainly(few, met)
      assert.deepEqual(matchDiagnosisKeys(few, met), expected)
      const sightings = heardBy(rhythm, count, keys, chance)
      assert.deepEqual([expected.length, matchDiagnosisKeys(keys, sightings).length], [MATCHES, MATCHES])
      const file = writeForNative(join(folder, `${n}.bin`), keys, sightings)
      return { name, demand, sightings, file }
    })
    await againstNative(bench, keys, sets)
    await compareForms(bench, keys, heardBy(RHYTHMS.office, 10_000, keys, chance))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compareForms(bench: Bench, keys: DiagnosisKeys, sightings: Sightings): Promise<void> {
  const expected = matchDiagnosisKeys(keys, sightings)
  const few = firstOf(keys, FEW)
  assert.deepEqual(withNoble(few, sightings), matchDiagnosisKeys(few, sightings))
  const noble = (): Times => {
    const turns = Array.from({ length: TURNS }, () => [
      ownTime(KEYS, () => void matchDiagnosisKeys(keys, sightings)),
      ownTime(FEW, () => void withNoble(few, sightings)),
    ])
    return [percentile10(turns.map(([ours]) => ours!)), percentile10(turns.map(([, theirs]) => theirs!))]
  }
  await bench.compare(OFFICE, '@noble, and a Map', noble, 9)
  if (bench.runs(THREADS)) {
    const { cpu, wall } = await twoThreads(keys, sightings, expected)
    await bench.compare(THREADS, 'one: processor time of all', () => cpu, 1 / 1.1)
    await bench.compare(THREADS, 'one: time on the clock', () => wall)
  }
  const absent = needsBrowser().skip
  const browser = () => absent ?? againstBrowser(keys, sightings, expected)
  await bench.compare(CHROMIUM, 'Node, time on the clock', browser as () => Promise<Times>)
}

export const matching: Group = {
  name: 'matching',
  results: [...SETS.map(({ name }) => name), THREADS, CHROMIUM],
  run: compareMatching,
}

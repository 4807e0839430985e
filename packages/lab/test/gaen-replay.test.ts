// Real contacts lived through by phones of GAEN: who stored what, who matched, who was warned.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BadReplay, replay } from '../src/replay.ts'
import type { GaenResult } from '../src/replay-gaen.ts'
import type { ReplayOptions } from '../src/replay-options.ts'
import { loadTrace, parseTrace, type Trace } from '../src/trace.ts'

const office = (name: string) =>
  loadTrace(fileURLToPath(new URL(`../../../data/contacts/${name}.csv.gz`, import.meta.url)))
const small = office('workplace2013_invs13')

const WHOLE: ReplayOptions = {
  declare: [],
  wire: false,
  adoption: 1,
  loss: 0,
  filter: 'none',
  seed: 1,
  protocol: 'gaen',
}

async function run(trace: Trace, options: Partial<ReplayOptions> = {}): Promise<GaenResult> {
  const { gaen, world } = await replay(trace, { ...WHOLE, ...options })
  await world.close()
  return gaen!
}

/** Everybody who shares a record with one of these, from the trace itself. */
function neighbours(trace: Trace, ids: readonly number[]): number[] {
  const found = new Set<number>()
  trace.times.forEach((_, k) => {
    const [i, j] = [trace.left[k]!, trace.right[k]!]
    if (ids.includes(i)) found.add(j)
    if (ids.includes(j)) found.add(i)
  })
  return [...found].sort((a, b) => a - b)
}

/** A trace of one pair, near each other every 20 s for some minutes from a time on. */
const together = (from: number, minutes: number, pair = '1,2') =>
  Array.from({ length: 3 * minutes }, (_, k) => `${from + 20 * k},${pair}`)

test('GAEN: the phones of InVS13 store exactly 5994 (receiver, identifier) pairs; nobody declares, nobody matches', async () => {
  const result = await run(small)
  assert.equal(result.receiverRpiPairs, 5994)
  assert.deepEqual([result.people, result.records, result.keysPublished], [92, 9827, 0])
  assert.deepEqual([result.matchedIds, result.warnedIds], [[], []])
})

test('GAEN: the phones of InVS15 store exactly 37676 pairs; whoever met one of the two declared matches, nobody else', async () => {
  const large = office('workplace2015_invs15')
  const declare = [691, 215]
  const result = await run(large, { declare })
  assert.equal(result.receiverRpiPairs, 37_676)
  assert.deepEqual(result.matchedIds, neighbours(large, declare))
  assert.equal(result.declared, 2)
})

for (const id of [15, 63, 271]) {
  test(`GAEN: when ${id} of InVS13 declares, exactly those match who share a record with them`, async () => {
    const result = await run(small, { declare: [id] })
    assert.deepEqual(result.matchedIds, neighbours(small, [id]))
    assert.equal(result.matched, result.matchedIds.length)
    assert.ok(result.keysPublished >= 12, 'a key for each day')
    assert.ok(result.warnedIds.every((warned) => result.matchedIds.includes(warned)))
  })
}

test('GAEN: those who declare match each other, and not themselves', async () => {
  const declare = [63, 15]
  const result = await run(small, { declare })
  assert.deepEqual(result.matchedIds, neighbours(small, declare))
})

test('GAEN through real HTTP: the same answer, bit by bit', async () => {
  const [{ seconds: _, ...direct }, { seconds: __, ...wired }] = [
    await run(small, { declare: [15] }),
    await run(small, { declare: [15], wire: true }),
  ]
  assert.deepEqual(wired, direct)
})

test('GAEN: both protocols on the same contacts change nothing of either', async () => {
  const { robert, gaen, world } = await replay(small, { ...WHOLE, protocol: 'both', declare: [15] })
  await world.close()
  assert.equal(gaen!.receiverRpiPairs, 5994)
  assert.equal(robert!.receiverEbidPairs, 5490)
  assert.deepEqual(gaen!.matchedIds, neighbours(small, [15]))
  assert.deepEqual(robert!.exposedIds, gaen!.matchedIds)
  const { seconds: _, ...alone } = await run(small, { declare: [15] })
  const { seconds: __, ...together } = gaen!
  assert.deepEqual(together, alone)
})

test('GAEN: equal seeds give equal runs, another seed another run', async () => {
  const results = []
  for (const seed of [7, 7, 8]) {
    const { seconds: _, ...result } = await run(small, { adoption: 0.5, loss: 0.2, seed })
    results.push(JSON.stringify(result))
  }
  assert.equal(results[0], results[1])
  assert.notEqual(results[0], results[2])
})

test('GAEN: with every advertisement lost nobody stores anything', async () => {
  assert.equal((await run(small, { loss: 1 })).receiverRpiPairs, 0)
})

test('GAEN: 52 minutes near a patient whose symptoms began four days ago warn, 45 minutes match only', async () => {
  // A day of standard infectiousness counts 0.3, and fifteen minutes of that are asked for.
  const trace = parseTrace([...together(32_400, 52), ...together(36_000, 45, '1,3')].join('\n'))
  const result = await run(trace, { declare: [1] })
  assert.deepEqual([result.matchedIds, result.warnedIds], [[2, 3], [2]])
})

test('GAEN: a contact up to the moment of the diagnosis counts whole, at whatever time of the day that is', async () => {
  for (const hour of [0, 7, 14, 22]) {
    // The last nine minutes are of the interval in which the key is cut.
    const trace = parseTrace(together(3600 * hour + 60 * 47, 52).join('\n'))
    const result = await run(trace, { declare: [1] })
    assert.deepEqual([result.matchedIds, result.warnedIds], [[2], [2]], `${hour}`)
  }
})

test('GAEN: who has no application cannot declare', async () => {
  await assert.rejects(
    run(small, { declare: [15], adoption: 0 }),
    new BadReplay('person 15 does not carry the application and cannot declare'),
  )
})

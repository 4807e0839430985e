// A whole recorded contact network, lived through by phones and a back-end in memory: registration, contacts, two declarations, warning.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { loadTrace, replay } from '@vicinity/lab'
import type { Bench, Group } from './group.ts'
import { eachAgainst, type Times } from './measure.ts'

const NAME = 'replay of InVS15'
const TRACE = fileURLToPath(new URL('../data/contacts/workplace2015_invs15.csv.gz', import.meta.url))
const DECLARED = [691, 215]
/** What the phones store of this trace, and so what a replay must come to. */
const PAIRS = 33_302
const RUNS = 3
const YARDSTICK = 1e6

async function compareReplay(bench: Bench): Promise<void> {
  const trace = loadTrace(TRACE)
  const run = async (): Promise<void> => {
    const options = { declare: DECLARED, wire: false, adoption: 1, loss: 0, filter: 'none', seed: 1 } as const
    const { robert, world } = await replay(trace, options)
    await world.close()
    assert.equal(robert?.receiverEbidPairs, PAIRS)
    assert.equal(robert?.declared, DECLARED.length)
  }
  const key = Buffer.alloc(32, 7)
  const hmac = { operations: 1, run: () => void createHmac('sha256', key).update('twelve bytes').digest() }
  const measure = async (): Promise<Times> => {
    const [ours, theirs] = await eachAgainst(Array<typeof run>(RUNS).fill(run), 1, hmac)
    return [ours, YARDSTICK * theirs]
  }
  await bench.compare(NAME, 'a million times createHmac', measure)
}

export const replaying: Group = { name: 'replay', results: [NAME], run: compareReplay }

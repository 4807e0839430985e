import { randomInt } from 'node:crypto'
import type { TestContext } from 'node:test'
import fc from 'fast-check'

/** VICINITY_SEED repeats a run. */
export const SEED: number = Number(process.env['VICINITY_SEED'] ?? randomInt(2 ** 30))

/** Runs a property and tells its seed; parts of one test have seeds of their own. */
export async function holds<T>(t: TestContext, property: fc.IRawProperty<T>, numRuns: number, part = 0): Promise<void> {
  t.diagnostic(`VICINITY_SEED=${SEED}, part ${part}, ${numRuns} runs`)
  await fc.assert(property as fc.IAsyncProperty<T>, { numRuns, seed: SEED + part })
}

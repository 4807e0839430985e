// What every engine of the store must hold of generations and of marks of who left; each verb at least once.
import assert from 'node:assert/strict'
import { toHex } from '@vicinity/protocol'
import { NOBODY_LEFT } from '../src/store/departures.ts'
import type { Store } from '../src/store/store.ts'
import { randomOf } from './fixture.ts'

const random = randomOf('departures contract')
const marksIn = async (store: Store, limit = 99) =>
  (await store.transaction((tx) => tx.departures(limit))).map((mark) => toHex(mark))

export const departures: Record<string, (store: Store) => Promise<void>> = {
  'a new database is of generation 0; it is then of the one that was set last': async (store) => {
    assert.equal(await store.transaction((tx) => tx.generation()), 0)
    for (const generation of [1, 7]) {
      await store.transaction((tx) => tx.setGeneration(generation))
      assert.equal(await store.transaction((tx) => tx.generation()), generation)
    }
  },
  'marks of who left are kept once each until they are forgotten; nobody leaves no mark': async (store) => {
    const marks = Array.from({ length: 5 }, () => random(16))
    await store.transaction((tx) => tx.noteDepartures([NOBODY_LEFT, marks[0]!, NOBODY_LEFT, marks[1]!]))
    await store.transaction((tx) => tx.noteDepartures(marks))
    const sorted = marks.map((mark) => toHex(mark)).sort()
    assert.deepEqual(await marksIn(store), sorted)
    assert.deepEqual(await marksIn(store, 2), sorted.slice(0, 2))
    await store.transaction((tx) => tx.forgetDepartures([marks[3]!, random(16)]))
    assert.deepEqual(
      await marksIn(store),
      sorted.filter((mark) => mark !== toHex(marks[3]!)),
    )
  },
  'a mark goes with the transaction that it was noted in': async (store) => {
    const failing = store.transaction(async (tx) => {
      await tx.noteDepartures([random(16)])
      await tx.setGeneration(3)
      throw new Error('given up')
    })
    await assert.rejects(failing, /given up/)
    assert.deepEqual(await marksIn(store), [])
    assert.equal(await store.transaction((tx) => tx.generation()), 0)
  },
}

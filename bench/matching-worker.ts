// One of the threads that share the days: matches its part whenever it is asked, and says what it took.
import { parentPort, workerData } from 'node:worker_threads'
import {
  type DiagnosisKeys,
  type KeyMatch,
  matchDiagnosisKeys,
  type Part,
  type Sightings,
} from '@vicinity/protocol/gaen'

export interface Given {
  readonly keys: DiagnosisKeys
  readonly sightings: Sightings
  readonly part: Part
}

export interface Done {
  readonly matches: readonly KeyMatch[]
  /** Microseconds of this thread's own. */
  readonly cpu: number
}

const { keys, sightings, part } = workerData as Given
parentPort!.on('message', () => {
  const before = process.threadCpuUsage()
  const matches = matchDiagnosisKeys(keys, sightings, part)
  const { user, system } = process.threadCpuUsage(before)
  parentPort!.postMessage({ matches, cpu: user + system } satisfies Done)
})

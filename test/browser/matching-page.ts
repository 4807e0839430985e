// In the page: diagnosis keys against sightings, as often as asked; the matches, and the milliseconds of each time.
import { fromHex } from '../../packages/protocol/src/bytes.ts'
import { emptyKeys, type KeyMatch, matchDiagnosisKeys } from '../../packages/protocol/src/gaen/index.ts'

export interface Given {
  /** Hexadecimal. */
  readonly keyData: string
  readonly starts: readonly number[]
  readonly periods: readonly number[]
  /** Hexadecimal. */
  readonly identifiers: string
  readonly times: readonly number[]
  readonly rounds: number
}

export function run(given: Given): { readonly matches: readonly KeyMatch[]; readonly milliseconds: readonly number[] } {
  const keys = emptyKeys(given.starts.length)
  keys.keyData.set(fromHex(given.keyData))
  keys.starts.set(given.starts)
  keys.periods.set(given.periods)
  const times = Float64Array.from(given.times)
  const sightings = { count: times.length, identifiers: fromHex(given.identifiers), times }
  let matches: readonly KeyMatch[] = []
  const milliseconds = Array.from({ length: given.rounds }, () => {
    const start = performance.now()
    matches = matchDiagnosisKeys(keys, sightings)
    return performance.now() - start
  })
  return { matches, milliseconds }
}

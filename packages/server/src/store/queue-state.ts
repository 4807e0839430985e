// How many items wait, without counting them: row ids are random, so that the first thousand of a window tell how close they lie.
import type { QueueState } from './store.ts'

/** Rows that are looked at in each window, or in each bucket of one. The estimate is off by 3 % (one standard deviation). */
export const QUEUE_SAMPLE = 1000

/** The rows of the smallest ids of a window: how many, at most `QUEUE_SAMPLE`, and the first and last id of them. */
export interface QueueSample {
  readonly window: number
  readonly rows: number
  readonly first: Uint8Array | null
  readonly last: Uint8Array | null
  /** The part of the space of ids that the sample is from ends here: 1 for all of it. */
  readonly end: number
}

/** Exact as long as no window has more rows than are looked at. */
export function queueStateOf(samples: readonly QueueSample[]): QueueState {
  const held = samples.filter(({ rows }) => rows > 0)
  return {
    items: held.reduce((sum, sample) => sum + rowsOf(sample), 0),
    oldestWindow: held.length === 0 ? undefined : Math.min(...held.map(({ window }) => window)),
  }
}

function rowsOf({ rows, first, last, end }: QueueSample): number {
  if (rows < QUEUE_SAMPLE || first === null || last === null) return rows
  const [from, to] = [placeOf(first), placeOf(last)]
  // Items leave a window from its smallest id on.
  return to > from ? Math.max(rows, Math.round(((rows - 1) * (end - from)) / (to - from))) : rows
}

/** Where an id lies in the space of ids, from 0 to 1. */
const placeOf = (id: Uint8Array): number => id.reduce((sum, byte, k) => sum + byte / 256 ** (k + 1), 0)

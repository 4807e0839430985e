import { doWork, type Work } from './work.ts'

/** Who does the cryptography of batches. Whoever it is, the results are the same. */
export interface Crew {
  /** How many slices of a batch are worked on at once. */
  readonly size: number
  /**
   * Does a job. Its `secrets` are gone for the caller: they are overwritten when it is done. Rejects when the work threw, when a
   * thread ended under it, and after `close`.
   */
  readonly run: <Name extends keyof Work>(name: Name, job: Work[Name]['job']) => Promise<Work[Name]['result']>
  readonly close: () => Promise<void>
}

/** In this thread. */
export const INLINE: Crew = {
  size: 1,
  run: async (name, job) => doWork(name, job),
  close: async () => {},
}

/** Fewer items are not worth a thread's while: they take about as long as a batch takes to be handed out. */
const LEAST_SLICE = 512

/** Cuts a batch into parts of nearly one length, at most as many as are worked on at once. */
export function slicesOf<Item>(crew: Crew, batch: readonly Item[]): (readonly Item[])[] {
  const count = Math.max(1, Math.min(crew.size, Math.floor(batch.length / LEAST_SLICE)))
  const from = (slice: number) => Math.round((batch.length * slice) / count)
  return Array.from({ length: count }, (_, slice) => batch.slice(from(slice), from(slice + 1)))
}

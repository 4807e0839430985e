// What a restore of the database has to know: which generation it is of, and who left.

/** Stands for nobody: a request that unregisters nobody runs the same statement with it. */
export const NOBODY_LEFT: Uint8Array = new Uint8Array(16)

export interface DepartureVerbs {
  /** How often this database was restored, or taken as it was found; 0 at first. */
  readonly generation: () => Promise<number>
  readonly setGeneration: (generation: number) => Promise<void>
  /** Remembers marks of users who leave with this transaction, until they are known to lie outside the database; not `NOBODY_LEFT`. */
  readonly noteDepartures: (marks: readonly Uint8Array[]) => Promise<void>
  readonly departures: (limit: number) => Promise<readonly Uint8Array[]>
  readonly forgetDepartures: (marks: readonly Uint8Array[]) => Promise<void>
}

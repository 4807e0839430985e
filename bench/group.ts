import type { Times } from './measure.ts'

export interface Bench {
  /** Whether a result of this name is wanted: what only it needs need not be made otherwise. */
  readonly runs: (name: string) => boolean
  /** Measures and reports one line, where it is wanted. A text instead of times says why there are none. */
  readonly compare: (
    name: string,
    versus: string,
    measure: () => Times | string | Promise<Times>,
    demand?: number,
  ) => Promise<void>
}

/** Results about one thing. Asserts that all sides are right before it measures them. */
export interface Group {
  readonly name: string
  /** The names of its results. */
  readonly results: readonly string[]
  readonly run: (bench: Bench) => Promise<void>
}

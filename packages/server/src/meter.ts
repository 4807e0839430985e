// What a back-end measures about itself. Nothing here can name anybody, and nothing about people is told one by one.
import type { UnixSeconds } from '@vicinity/protocol'

/** Upper bounds of the buckets of each histogram; a last one takes the rest. */
export const HISTOGRAMS = {
  /** Seconds from the whole request to the whole answer, by path of the endpoint. */
  request: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  /** Seconds of a transaction of the store, waiting for its turn included. */
  transaction: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  /** Requests or items that were decided together. */
  batch: [1, 2, 4, 8, 16, 32, 64, 256, 1024, 4096],
} as const
export type HistogramName = keyof typeof HISTOGRAMS

export interface Histogram {
  /** How many fell into each bucket; the last is that of the rest. */
  readonly buckets: readonly number[]
  readonly sum: number
  readonly count: number
}

/** When a job last succeeded, and how it has gone since the start. */
export interface JobRecord {
  /** Seconds between its runs. */
  readonly every: number
  /** The start of the process until it has succeeded once. */
  readonly lastSuccess: UnixSeconds
  readonly failures: number
  /** Whether it failed the last time. */
  readonly failing: boolean
}

/** The least number of events about people that is told. */
export const TOGETHER = 10

export interface Meter {
  /** `label` stands in a table of the program: a path of an endpoint, a kind of batch. */
  readonly observe: (what: HistogramName, value: number, label?: string) => void
  /** By label. Observations of a label appear ten or more at a time: who watches sees no single one. */
  readonly histograms: (what: HistogramName) => ReadonlyMap<string, Histogram>
  readonly jobs: Map<string, JobRecord>
}

interface Held {
  readonly told: { buckets: number[]; sum: number; count: number }
  waiting: number[]
}

export function makeMeter(): Meter {
  const held = new Map<HistogramName, Map<string, Held>>()
  return {
    observe(what, value, label = '') {
      const ofName = held.get(what) ?? new Map<string, Held>()
      held.set(what, ofName)
      const bounds: readonly number[] = HISTOGRAMS[what]
      const one = ofName.get(label) ?? {
        told: { buckets: new Array<number>(bounds.length + 1).fill(0), sum: 0, count: 0 },
        waiting: [],
      }
      ofName.set(label, one)
      one.waiting.push(value)
      if (one.waiting.length < TOGETHER) return
      for (const waited of one.waiting) {
        const bucket = bounds.findIndex((bound) => waited <= bound)
        one.told.buckets[bucket < 0 ? bounds.length : bucket]!++
        one.told.sum += waited
        one.told.count++
      }
      one.waiting = []
    },
    histograms: (what) => new Map([...(held.get(what) ?? [])].map(([label, { told }]) => [label, told])),
    jobs: new Map(),
  }
}

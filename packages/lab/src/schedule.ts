import type { UnixSeconds } from '@vicinity/protocol'

/** What happens at one time, in this order: the back-ends' jobs, then phones that wake, then radio contacts, then the lab's own plans. */
export const ORDER = { jobs: 0, wake: 1, radio: 2, plan: 3 } as const
export type Order = (typeof ORDER)[keyof typeof ORDER]

type Run = (at: UnixSeconds) => void | Promise<void>

interface Entry {
  readonly at: UnixSeconds
  readonly order: Order
  readonly serial: number
  readonly run: Run
}

const before = (a: Entry, b: Entry): boolean =>
  a.at !== b.at ? a.at < b.at : a.order !== b.order ? a.order < b.order : a.serial < b.serial

/** The virtual clock: one heap of (at, order, run). An event has settled before the next one runs. */
export class Schedule {
  readonly #heap: Entry[] = []
  #serial = 0
  #now: UnixSeconds

  constructor(start: UnixSeconds) {
    this.#now = start
  }

  readonly now = (): UnixSeconds => this.#now

  /** Plans `run`. A time in the past means now. */
  plan(at: UnixSeconds, order: Order, run: Run): void {
    const entry = { at: at < this.#now ? this.#now : at, order, serial: this.#serial++, run }
    const heap = this.#heap
    let hole = heap.push(entry) - 1
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      if (!before(entry, heap[parent]!)) break
      heap[hole] = heap[parent]!
      hole = parent
    }
    heap[hole] = entry
  }

  /** Runs everything up to and including `end`, and leaves the clock there. */
  async runUntil(end: UnixSeconds): Promise<void> {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= end) {
      const entry = this.#take()
      this.#now = entry.at
      const done = entry.run(entry.at)
      if (done !== undefined) await done
    }
    this.#now = end
  }

  #take(): Entry {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[hole] = heap[child]!
      hole = child
    }
    heap[hole] = last
    return first
  }
}

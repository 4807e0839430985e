// When replies leave whose time must tell nothing: at whole multiples of one period after their requests came.

export interface GridClock {
  /** Milliseconds on a clock that is never set. */
  readonly now: () => number
  /** Runs `then` once, so many milliseconds later. */
  readonly after: (milliseconds: number, then: () => void) => void
}

export type ReleaseGrid = <Answer>(work: () => Promise<Answer>) => Promise<Answer>

/** Without a period everything leaves when it is ready. */
export const NO_GRID: ReleaseGrid = (work) => work()

/**
 * Holds an answer, or a failure, until the first multiple of `period` (milliseconds) at which it is there. The timer is set before the
 * work begins and knows nothing of it: were it set when the work is done, its rounding would show how long that took.
 */
export function releaseGrid(period: number, { now, after }: GridClock): ReleaseGrid {
  const sleep = (milliseconds: number) => new Promise<void>((resolve) => after(milliseconds, resolve))
  return async (work) => {
    const arrival = now()
    let done = false
    let tick = sleep(period)
    const answer = work().finally(() => {
      done = true
    })
    // Who waits for it comes later, and a failure waits with it.
    answer.catch(() => {})
    for (;;) {
      await tick
      if (done) return answer
      tick = sleep(period - ((now() - arrival) % period))
    }
  }
}

// Authenticated requests come one by one and are decided in batches: a batch costs the store little more than one of them.
import type { UnixSeconds } from '@vicinity/protocol'
import { type Deps, Unavailable } from './deps.ts'
import { authenticatedRequests } from './flows/authenticated-requests.ts'

/** How batches are made. `after` is the timer: it runs `then` once, so many milliseconds later. */
export interface Collecting {
  /** Calls of one batch at most. */
  readonly most: number
  /** Milliseconds that a call waits for others at most, while a batch may begin. */
  readonly wait: number
  /** Batches that run side by side. */
  readonly lanes: number
  /** Calls that wait at most; further ones are refused before any work. */
  readonly waiting: number
  readonly after: (milliseconds: number, then: () => void) => void
}

interface Waiting<Call, Answer> {
  readonly call: Call
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers calls for `run`, which answers a batch in its order. Where it rejects the whole batch does, for the same reason: nobody
 * learns of another's. Rejects with `Unavailable` where too many wait.
 */
export function collector<Call, Answer>(
  { most, wait, lanes, waiting: bound, after }: Collecting,
  run: (batch: readonly Call[]) => Promise<readonly Answer[]>,
): (call: Call) => Promise<Answer> {
  const waiting: Waiting<Call, Answer>[] = []
  let running = 0
  /** How many of those who wait have waited long enough. */
  let due = 0
  let ticking = false
  const begin = (): void => {
    while (running < lanes && (due > 0 || waiting.length >= most)) {
      const batch = waiting.splice(0, most)
      due = Math.max(0, due - batch.length)
      running++
      void answer(batch).finally(() => {
        running--
        begin()
      })
    }
    if (ticking || waiting.length <= due) return
    ticking = true
    after(wait, () => {
      ticking = false
      due = waiting.length
      begin()
    })
  }
  const answer = async (batch: readonly Waiting<Call, Answer>[]): Promise<void> => {
    try {
      const answers = await run(batch.map(({ call }) => call))
      for (const [k, { resolve }] of batch.entries()) resolve(answers[k] as Answer)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
  return (call) => {
    if (waiting.length >= bound) return Promise.reject(new Unavailable('busy'))
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    waiting.push({ call, resolve, reject })
    begin()
    return promise
  }
}

const MOST_REQUESTS = 32
const LONGEST_WAIT = 3
const MOST_WAITING = 4096

/** A back-end whose authenticated requests are decided in batches, as many at once as its store has connections. */
export function collecting(deps: Deps, now: () => UnixSeconds): Deps {
  const limits = {
    most: MOST_REQUESTS,
    wait: LONGEST_WAIT,
    lanes: deps.store.connections ?? 1,
    waiting: MOST_WAITING,
    after: (milliseconds: number, then: () => void) => void setTimeout(then, milliseconds),
  }
  return {
    ...deps,
    requests: collector(limits, (batch: readonly Uint8Array[]) => {
      deps.meter.observe('batch', batch.length, 'requests')
      return authenticatedRequests(deps, batch, now())
    }),
  }
}

/** A back-end whose authenticated requests are each decided at once: for worlds in which nobody asks at the same time as another. */
export const oneByOne = (deps: Deps, now: () => UnixSeconds): Deps => ({
  ...deps,
  requests: async (request) => (await authenticatedRequests(deps, [request], now()))[0]!,
})

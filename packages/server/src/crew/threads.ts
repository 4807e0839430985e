import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type Crew, INLINE } from './crew.ts'
import type { Work } from './work.ts'

/** Beside this file, and like it: the source, or what was compiled from it. */
const ENTRY = new URL(`./thread${extname(import.meta.url)}`, import.meta.url)

type Result = Work[keyof Work]['result']

/** What a thread is given; it answers with [number, result]. */
export type Message = {
  readonly [Name in keyof Work]: { readonly number: number; readonly name: Name; readonly job: Work[Name]['job'] }
}[keyof Work]

interface Thread {
  readonly worker: Worker
  readonly waiting: Map<number, { readonly resolve: (result: never) => void; readonly reject: (why: Error) => void }>
}

/** A crew of so many threads; with none this thread does everything. */
export const crewOf = (threads: number): Crew => (threads < 1 ? INLINE : threadCrew(threads))

/** Threads beside this one. Each starts with its first job; one that ended, for whatever reason, starts anew with its next. */
export function threadCrew(size: number): Crew {
  const threads = new Map<number, Thread>()
  let number = 0
  let closed = false
  /** Who has least to do. */
  const place = (): number => {
    const loads = Array.from({ length: size }, (_, at) => threads.get(at)?.waiting.size ?? 0)
    return loads.indexOf(Math.min(...loads))
  }
  const threadAt = (at: number): Thread => {
    const thread = threads.get(at) ?? startThread(() => threads.delete(at))
    threads.set(at, thread)
    return thread
  }
  return {
    size,
    run: (name, job) =>
      new Promise((resolve, reject) => {
        if (closed) throw new Error('the crew has gone home')
        const { worker, waiting } = threadAt(place())
        // Moved, not copied: the only copy is the thread's, which erases it.
        worker.postMessage({ number, name, job }, [job.secrets.buffer as ArrayBuffer])
        waiting.set(number++, { resolve, reject })
      }),
    close: async () => {
      closed = true
      await Promise.all([...threads.values()].map(({ worker }) => worker.terminate()))
    },
  }
}

function startThread(ended: () => void): Thread {
  const worker = new Worker(ENTRY)
  const thread: Thread = { worker, waiting: new Map() }
  let why: unknown
  worker.on('message', ([number, result]: [number, Result]) => {
    thread.waiting.get(number)?.resolve(result as never)
    thread.waiting.delete(number)
  })
  worker.on('error', (error) => {
    why = error
  })
  // An answer that cannot be read would be waited for without end.
  worker.on('messageerror', () => void worker.terminate())
  worker.on('exit', () => {
    ended()
    for (const { reject } of thread.waiting.values()) reject(new Error('a thread ended at work', { cause: why }))
  })
  return thread
}

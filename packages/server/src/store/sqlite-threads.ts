import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { StoreFailure } from './failures.ts'
import { SESSION_VERBS, type SqliteFile, type SqliteSession } from './sqlite-session.ts'
import type { StoreOptions } from './store.ts'

/** Beside this file, and like it: the source, or what was compiled from it. */
const ENTRY = new URL(`./sqlite-thread${extname(import.meta.url)}`, import.meta.url)

export interface ThreadData {
  readonly file: SqliteFile
  /** Whether the names of statements are wanted. */
  readonly reports: boolean
}

export type SqliteCall = readonly [number: number, verb: keyof SqliteSession, values: readonly unknown[]]

export interface SqliteAnswer {
  readonly number: number
  /** The statements that ran. */
  readonly ran: readonly string[]
  readonly value?: unknown
  /** The message of a `StoreFailure`. */
  readonly failure?: string
  readonly error?: unknown
}

export interface ThreadSession extends SqliteSession {
  /** False after the thread ended. */
  readonly lives: () => boolean
  /** Ends the thread wherever it is, as whatever goes wrong in it would. */
  readonly end: () => Promise<void>
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (why: unknown) => void
}

/**
 * A session in a thread of its own, so that neither a large statement nor the disk holds up this one. When the thread ends, all that
 * was asked of it and not answered rejects; a commit among that may have happened.
 */
export function startThread(file: SqliteFile, { onStatement }: StoreOptions): ThreadSession {
  const data: ThreadData = { file, reports: onStatement !== undefined }
  const worker = new Worker(ENTRY, { workerData: data })
  const waiting = new Map<number, Waiting>()
  let asked = 0
  let lives = true
  const gone = Promise.withResolvers<void>()
  worker.on('message', ({ number, ran, value, failure, error }: SqliteAnswer) => {
    for (const name of ran) onStatement?.(name)
    const { resolve, reject } = waiting.get(number)!
    waiting.delete(number)
    if (waiting.size === 0) worker.unref()
    if (failure !== undefined) reject(new StoreFailure(failure))
    else if (error !== undefined) reject(error)
    else resolve(value)
  })
  // Its reason may hold a row: those who wait are only told that it ended.
  worker.on('error', () => {})
  worker.on('messageerror', () => void worker.terminate())
  worker.on('exit', () => {
    lives = false
    for (const { reject } of waiting.values()) reject(new StoreFailure('the thread of the store ended'))
    waiting.clear()
    gone.resolve()
  })
  const ask = (verb: keyof SqliteSession, values: readonly unknown[]): Promise<unknown> => {
    if (!lives) return Promise.reject(new StoreFailure('the thread of the store ended'))
    const call: SqliteCall = [asked++, verb, owned(values) as readonly unknown[]]
    return new Promise((resolve, reject) => {
      if (waiting.size === 0) worker.ref()
      waiting.set(call[0], { resolve, reject })
      worker.postMessage(call)
    })
  }
  const verbs = SESSION_VERBS.map((verb) => [verb, (...values: readonly unknown[]) => ask(verb, values)])
  return {
    ...(Object.fromEntries(verbs) as SqliteSession),
    lives: () => lives,
    end: async () => {
      await worker.terminate()
      await gone.promise
    },
    close: async () => {
      if (lives) await ask('close', [])
      worker.ref()
      await gone.promise
    },
  }
}

/** A message takes the whole memory that bytes are a part of along with them: other people's, other secrets. So each gets its own. */
function owned(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.byteLength === value.buffer.byteLength ? value : new Uint8Array(value)
  if (Array.isArray(value)) return value.map(owned)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, owned(of)]))
}

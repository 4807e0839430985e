// Status requests through HTTP, with all that `vicinity serve` puts before them, offered by a thread of this process.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { makeHttp } from '@vicinity/server'
import { NOW } from './items.ts'
import { type Point, rampUp } from './load.ts'
import type { LoadData, LoadStep } from './load-thread.ts'
import { type BackEnd, statusRequests } from './server-country.ts'

const FIRST_RATE = 300
const FACTOR = 1.25
const STEP_SECONDS = 3
const HALF_SECONDS = 10

export interface Curve {
  /** Requests a second. */
  readonly knee: number
  readonly points: readonly Point[]
  readonly atHalf: Point
}

/** `first`: from which user on requests are made; so many are made. */
export async function measureHttp(backEnd: BackEnd, first: number, requests: number): Promise<Curve> {
  const app = makeHttp(backEnd.deps, () => NOW)
  const port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
  const workerData: LoadData = { port, requests: statusRequests(backEnd, first, requests) }
  const phones = new Worker(new URL('./load-thread.ts', import.meta.url), { workerData })
  const step = async (rate: number, seconds = STEP_SECONDS): Promise<Point> => {
    phones.postMessage({ rate, seconds } satisfies LoadStep)
    return (await once(phones, 'message'))[0] as Point
  }
  // The compilers settle first.
  await step(FIRST_RATE)
  const { knee, points } = await rampUp(step, FIRST_RATE, FACTOR)
  const atHalf = await step(knee / 2, HALF_SECONDS)
  await phones.terminate()
  await app.close()
  return { knee, points, atHalf }
}

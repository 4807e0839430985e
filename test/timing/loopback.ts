// What an observer of the network sees of answers over HTTP: their bytes but for what is random, their sizes, and when they come.
import { Agent, type IncomingMessage, request } from 'node:http'
import { toBase64url, type UnixSeconds } from '@vicinity/protocol'
import { type Deps, listen } from '@vicinity/server'
import type { PublishWorld } from './publishes.ts'
import { NOON, type RequestWorld } from './requests.ts'

export interface Seen {
  /** Milliseconds of each answer, by class. */
  readonly times: readonly Float64Array[]
  /** The forms of all answers, masked: one where nothing tells a class from another. */
  readonly forms: ReadonlySet<string>
}

interface Sent {
  readonly path: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  /** What is random in an answer. */
  readonly mask: RegExp
}

/** Sends one call of each class at a time, `rounds` times. */
async function observe(
  deps: Deps,
  now: () => UnixSeconds,
  classes: number,
  rounds: number,
  callOf: (index: number, round: number) => Sent,
  restore: (round: number) => Promise<void>,
): Promise<Seen> {
  const listening = await listen(deps, now, { host: '127.0.0.1', port: 0 })
  const agent = new Agent({ keepAlive: true })
  const times = Array.from({ length: classes }, () => new Float64Array(rounds))
  const forms = new Set<string>()
  try {
    for (let round = 0; round < rounds; round++) {
      // Each after the other: sent together, their places in the queue would be what is timed.
      for (let turn = 0; turn < classes; turn++) {
        const k = (turn + round) % classes
        const call = callOf(k, round)
        const start = performance.now()
        forms.add(await post(agent, listening.url, call))
        times[k]![round] = performance.now() - start
      }
      await restore(round)
    }
  } finally {
    agent.destroy()
    await listening.close()
  }
  return { times, forms }
}

function post(agent: Agent, url: string, { path, body, headers, mask }: Sent): Promise<string> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers }
    const call = request(url + path, { agent, method: 'POST', headers: all }, (answer) => {
      masked(answer, mask).then(resolve, reject)
    })
    call.on('error', reject)
    call.end(body)
  })
}

async function masked(answer: IncomingMessage, mask: RegExp): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  const body = Buffer.concat(chunks).toString()
  const headers = answer.rawHeaders.join('\n').replace(/^Date\n.*$/im, 'Date')
  return [answer.statusCode, headers, body.length, body.replace(mask, '')].join('\n')
}

export const observeRequests = (world: RequestWorld, rounds: number): Promise<Seen> =>
  observe(
    world.deps,
    () => NOON,
    world.classes.length,
    rounds,
    (k, round) => ({
      path: '/v1/request',
      body: JSON.stringify({ request: toBase64url(world.requestOf(k, round)) }),
      mask: /[\w-]{1230}/,
    }),
    world.restore,
  )

/** Of publishes only what is in nobody's power but the server's: a refused one says why, in an answer of the same size. */
export const observePublishes = (world: PublishWorld, rounds: number): Promise<Seen> =>
  observe(
    world.deps,
    world.now,
    world.classes.length,
    rounds,
    (k) => ({ path: '/v1/publish', ...world.publishOf(k), mask: /[\s\S]*/ }),
    world.restore,
  )

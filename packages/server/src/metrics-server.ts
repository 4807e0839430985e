// `/metrics` on a port of its own: whoever reaches the API does not reach it.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { UnixSeconds } from '@vicinity/protocol'
import type { Condition } from './conditions.ts'
import type { Deps } from './deps.ts'
import { windowBegins, windowEnds } from './flows/pool.ts'
import { metricsText, type QueueReading } from './metrics.ts'

const RESOLUTION_MILLISECONDS = 10

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

export interface MetricsOptions {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  readonly failing: () => readonly Condition[]
  readonly certificateExpires: () => UnixSeconds | undefined
}

/** Serves the metrics until it is closed. */
export async function serveMetrics(
  deps: Deps,
  now: () => UnixSeconds,
  { host, port, failing, certificateExpires }: MetricsOptions,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const started = now()
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MILLISECONDS })
  delay.enable()
  // The monitor counts from one timer to the next, so a loop that is never late shows its resolution.
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MILLISECONDS / 1000)
  const read = async (): Promise<string> => {
    const at = now()
    const queue = await readQueue(deps, at).catch(() => undefined)
    const lateness = { '0.5': late(delay.percentile(50)), '0.99': late(delay.percentile(99)), '1': late(delay.max) }
    delay.reset()
    const memory = process.memoryUsage.rss()
    const surroundings = { version, started, failing: failing(), lateness, memory, queue }
    return metricsText(deps, { ...surroundings, certificateExpires: certificateExpires() }, at)
  }
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    const found = request.method === 'GET' && request.url === '/metrics'
    if (!found) return void response.writeHead(404).end()
    void read().then(
      (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text),
      () => response.writeHead(500).end(),
    )
  })
  server.maxConnections = 100
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        delay.disable()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function readQueue(deps: Deps, at: UnixSeconds): Promise<QueueReading> {
  const { parameters } = deps.robert
  const { items, oldestWindow } = await deps.store.transaction((tx) => tx.queueState())
  if (oldestWindow === undefined) return { items: 0, oldest: 0, overdue: 0 }
  return {
    items,
    oldest: Math.max(0, at - windowBegins(parameters, oldestWindow)),
    overdue: parameters.poolWindow === 0 ? 0 : Math.max(0, at - windowEnds(parameters, oldestWindow)),
  }
}

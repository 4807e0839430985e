import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jsonOf, loadTrace, replay, replaySeconds, type Trace } from '@vicinity/lab'
import type { UnixSeconds } from '@vicinity/protocol'
import { runJobs, wallClock } from '@vicinity/server'
import { Command } from 'commander'
import { told } from './lab.ts'
import { Progress } from './progress.ts'
import { reportOf, reportPages } from './report.ts'
import { untilStopped } from './serve.ts'
import { resultTable } from './table.ts'
import { wholeNumber } from './usage.ts'

const TRACE = fileURLToPath(new URL('../../../data/contacts/workplace2015_invs15.csv.gz', import.meta.url))
const DECLARED = 2
const DAY_MS = 86_400_000

export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'An office of 217 people, ten working days, from the radio to the warning; then the back-end serves on',
    )
    .option('--once', 'end after the replay', false)
    .option('--json', 'the result as one line of JSON, last on standard output', false)
    .option(
      '--port <number>',
      'port to listen on; the next free one when it is taken',
      wholeNumber('--port', 0, 65_535),
      8080,
    )
    .action((options: { once: boolean; json: boolean; port: number }) => told(() => demo(options)))
}

async function demo({ once, json, port }: { once: boolean; json: boolean; port: number }): Promise<void> {
  const trace = loadTrace(TRACE)
  const declare = mostConnected(trace, DECLARED)
  // The trace is placed so that its last answer is given now.
  const start = (wallClock() - replaySeconds(trace)) as UnixSeconds
  const progress = new Progress()
  const say = (text: string) => console.error(text)
  say(
    `Vicinity: ${trace.people.length} people of an office, ten working days, ${trace.times.length} recorded contacts.`,
  )
  say(`Persons ${declare.join(' and ')} will be diagnosed at the end.`)
  const options = { declare, wire: true, adoption: 1, loss: 0, filter: 'default', seed: 1, start } as const
  const report = reportOf(TRACE, trace, options)
  const replayed = await replay(trace, {
    ...options,
    watch: report.watch,
    pages: reportPages(report),
    // Thrown away with the next demonstration, so the last commits may go with the power.
    store: `sqlite:${join(newDirectory(), 'vicinity.db')}?synchronous=normal`,
    port,
    onListening: (url) => say(`The back-end listens at ${url}: open it in a browser to watch`),
    onProgress: (share, what) => progress.show(share, what),
  }).finally(() => progress.end())
  const { world } = replayed
  console.log(json ? JSON.stringify(jsonOf(replayed)) : resultTable(replayed))
  if (once) return world.close()
  const { deps, url } = world.countries[0]!
  world.useClock(wallClock)
  const stopJobs = runJobs(deps, wallClock)
  say(`\nThe back-end goes on by the wall clock; end it with Ctrl-C.`)
  for (const path of ['/', '/v1/parameters', '/health/ready']) say(`  ${url}${path}`)
  await untilStopped({
    close: async () => {
      await stopJobs()
      await world.close()
    },
  })
}

/** The people who met most others. */
function mostConnected(trace: Trace, count: number): number[] {
  const met = new Map(trace.people.map((id) => [id, new Set<number>()]))
  trace.times.forEach((_, k) => {
    met.get(trace.left[k]!)?.add(trace.right[k]!)
    met.get(trace.right[k]!)?.add(trace.left[k]!)
  })
  return [...met]
    .sort(([a, metA], [b, metB]) => metB.size - metA.size || a - b)
    .slice(0, count)
    .map(([id]) => id)
}

/** A new directory under `.vicinity`; those of demonstrations older than a day go. */
function newDirectory(): string {
  const parent = '.vicinity'
  mkdirSync(parent, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith('demo-'))) {
    const old = join(parent, name)
    if (Date.now() - statSync(old).mtimeMs > DAY_MS) rmSync(old, { recursive: true, force: true })
  }
  const path = join(parent, `demo-${Date.now()}-${process.pid}`)
  mkdirSync(path, { mode: 0o700 })
  return path
}

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { later } from '@vicinity/protocol'
import { withParameters } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS } from '../src/deps.ts'
import { lineLog } from '../src/log.ts'
import { serve } from '../src/main.ts'
import { makeMeter } from '../src/meter.ts'
import { EVENTS, METRICS, metricsText, type Surroundings } from '../src/metrics.ts'
import { backEnd, NOON, temporaryDirectory } from './fixture.ts'

const SURROUNDINGS: Surroundings = {
  version: '1.2.3',
  started: NOON,
  failing: [],
  lateness: { '0.5': 0.001, '0.99': 0.002, '1': 0.01 },
  memory: 1000,
  certificateExpires: later(NOON, 86_400),
  queue: { items: 57, oldest: 30, overdue: 0 },
}

/** The value of a line of metrics; undefined where there is none. */
const sample = (text: string, line: string): string | undefined =>
  text
    .split('\n')
    .find((each) => each.startsWith(`${line} `))
    ?.slice(line.length + 1)

test('what people did is told in tens, rounded down; what happened to the back-end is told as it is', async (t) => {
  const { deps, clock } = await backEnd(t)
  const told = () => metricsText(deps, SURROUNDINGS, clock.now)
  const event = 'vicinity_events_total{event="code.issued"}'
  const incident = 'vicinity_incidents_total{incident="internalError"}'
  deps.count('internalError')
  for (const [count, shown] of [
    [1, '0'],
    [9, '0'],
    [10, '10'],
    [19, '10'],
    [20, '20'],
  ] as const) {
    deps.count('code.issued', count - (deps.counts.get('code.issued') ?? 0))
    assert.equal(sample(told(), event), shown, `${count}`)
  }
  assert.equal(sample(told(), incident), '1')
  assert.equal(sample(told(), 'vicinity_queue_items'), '50')
  assert.equal(sample(told(), 'vicinity_responses_total{class="ok"}'), undefined)
})

test('durations appear ten at a time, in no order, and sum and buckets move only then', () => {
  const meter = makeMeter()
  for (let n = 1; n <= 9; n++) meter.observe('request', n / 10, '/v1/upload')
  assert.equal(meter.histograms('request').get('/v1/upload')?.count, 0)
  assert.equal(meter.histograms('request').get('/v1/upload')?.sum, 0)
  meter.observe('request', 100, '/v1/upload')
  const told = meter.histograms('request').get('/v1/upload')!
  assert.equal(told.count, 10)
  assert.ok(Math.abs(told.sum - 104.5) < 1e-9)
  assert.deepEqual(told.buckets, [0, 0, 0, 0, 1, 1, 3, 4, 0, 0, 0, 1])
  meter.observe('request', 1, '/v1/upload')
  assert.equal(meter.histograms('request').get('/v1/upload')!.count, 10)
})

test('a name that is in no table is not told, and no label can break out of its line', async (t) => {
  const { deps, clock } = await backEnd(t)
  deps.count('somebody@example.org', 25)
  deps.count('import.a"} 1\nforged{b="', 3)
  const text = metricsText(deps, SURROUNDINGS, clock.now)
  assert.ok(!text.includes('somebody'))
  assert.equal(sample(text, 'vicinity_events_total{event="other"}'), '20')
  assert.ok(!text.split('\n').some((line) => line.startsWith('forged')))
})

test('every name that the back-end counts under begins with one of the table', () => {
  const root = fileURLToPath(new URL('../src', import.meta.url))
  const named = globSync('**/*.ts', { cwd: root }).flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(/\bcount\(\s*(?:\w+ \? )?['`]([^'`$]+)/g)].map(
      ([, name]) => name!,
    ),
  )
  assert.ok(named.length > 25)
  const known = Object.keys(EVENTS)
  assert.deepEqual(
    named.filter((name) => !known.some((beginning) => name.startsWith(beginning) || beginning.startsWith(name))),
    [],
  )
})

test('metrics are served on a port of their own, every one of the table with its type and help, and nothing else there', async (t) => {
  const directory = temporaryDirectory(t)
  const lines: string[] = []
  const running = await serve({
    settings: { ...DEFAULT_SETTINGS, parameters: withParameters({ proofOfWork: 0 }) },
    store: `sqlite:${join(directory, 'database')}`,
    keys: join(directory, 'keys'),
    host: '127.0.0.1',
    port: 0,
    threads: 0,
    metrics: { host: '127.0.0.1', port: 0 },
    log: lineLog(
      (line) => lines.push(line),
      () => NOON,
    ),
  })
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= running.close()
    return closed
  }
  t.after(close)
  for (let n = 0; n < 20; n++) await (await fetch(`${running.url}/v1/parameters`)).text()
  const answer = await fetch(running.metricsUrl!)
  assert.match(answer.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
  const text = await answer.text()
  for (const [name, [type, help]] of Object.entries(METRICS)) {
    assert.ok(text.includes(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`), name)
  }
  assert.ok(
    text
      .split('\n')
      .every((line) => line === '' || line.startsWith('#') || /^vicinity_\w+(\{[^{}]*\})? \S+$/.test(line)),
  )
  assert.equal(sample(text, 'vicinity_ready'), '1')
  assert.equal(sample(text, 'vicinity_condition{condition="store"}'), '1')
  assert.equal(sample(text, 'vicinity_request_seconds_count{endpoint="/v1/parameters"}'), '20')
  assert.equal(sample(text, 'vicinity_server_keys_missing'), '0')
  assert.equal(sample(text, 'vicinity_job_failures_total{task="purge"}'), '0')
  for (const path of ['/', '/v1/parameters', '/health/ready', '/metrics/']) {
    assert.equal((await fetch(new URL(path, running.metricsUrl))).status, 404, path)
  }
  assert.equal((await fetch(`${running.url}/metrics`)).status, 404)
  await close()
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).event),
    ['server.started', 'server.stopping', 'server.stopped'],
  )
})

test('the log holds the events and fields of its table, and a value that came there by mistake is not written', () => {
  const lines: string[] = []
  const log = lineLog(
    (line) => lines.push(line),
    () => NOON,
  )
  log('job.failed', { job: 'process contacts' })
  log('job.failed', { job: 'token kWzs8Rk1', secret: 'x' } as never)
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [
      { at: new Date(NOON * 1000).toISOString(), event: 'job.failed', job: 'process contacts' },
      { at: new Date(NOON * 1000).toISOString(), event: 'job.failed', job: '?' },
    ],
  )
})

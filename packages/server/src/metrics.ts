// What `/metrics` tells: one table of all metrics, and their text (Prometheus, exposition format 0.0.4).
//
// No label comes from outside. Counts of what people did are told in tens, rounded down, and durations of their requests ten at a time: who
// watches the numbers must not see one person come by (docs/operating.md).
import type { UnixSeconds } from '@vicinity/protocol'
import { CONDITIONS, type Condition, missingServerKeys } from './conditions.ts'
import type { Deps } from './deps.ts'
import { HISTOGRAMS, type Histogram, type HistogramName, type JobRecord, TOGETHER } from './meter.ts'

export const METRICS = {
  vicinity_build_info: ['gauge', 'Always 1; the version, and that of Node.'],
  vicinity_start_time_seconds: ['gauge', 'When the process started, Unix time.'],
  vicinity_ready: ['gauge', '1 while every condition holds.'],
  vicinity_condition: ['gauge', '1 while the condition holds: what readiness is made of.'],
  vicinity_clock_steady: ['gauge', '1 while the wall clock agrees with the monotonic one.'],
  vicinity_server_keys_missing: ['gauge', 'Days, from today to the end of the bundle, without their server key.'],
  vicinity_queue_items: ['gauge', 'Items that wait for their pool window, in tens.'],
  vicinity_queue_oldest_seconds: [
    'gauge',
    'Since the beginning of the oldest pool window that has items; 0 without any.',
  ],
  vicinity_queue_overdue_seconds: [
    'gauge',
    'Since the oldest pool window that has items could be applied; 0 while none can.',
  ],
  vicinity_job_last_success_timestamp_seconds: [
    'gauge',
    'When the job last succeeded, Unix time; the start before that.',
  ],
  vicinity_job_period_seconds: ['gauge', 'Between two runs of the job.'],
  vicinity_job_failures_total: ['counter', 'Runs of the job that failed.'],
  vicinity_events_total: ['counter', 'What people did and what became of it, in tens.'],
  vicinity_incidents_total: ['counter', 'What happened to the back-end itself.'],
  vicinity_responses_total: ['counter', 'Answers: ok and refused in tens, unavailable (503) and failed (500) each.'],
  vicinity_request_seconds: ['histogram', 'From a whole request to its whole answer, by endpoint; ten at a time.'],
  vicinity_transaction_seconds: ['histogram', 'Transactions of the store, waiting included; ten at a time.'],
  vicinity_batch_size: ['histogram', 'Requests or items decided together; ten batches at a time.'],
  vicinity_event_loop_lateness_seconds: ['gauge', 'How late timers were since this was last asked for.'],
  vicinity_certificate_expires_timestamp_seconds: ['gauge', 'When the TLS certificate ends, Unix time.'],
  vicinity_resident_memory_bytes: ['gauge', 'Memory of the process.'],
} as const
export type MetricName = keyof typeof METRICS

/** Beginnings of the names that flows count under, and whether they are about people. What fits none is told as `other`, in tens. */
export const EVENTS: Readonly<Record<string, 'people' | 'service'>> = {
  registered: 'people',
  'request.': 'people',
  'item.': 'people',
  'upload.': 'people',
  'token.': 'people',
  'code.': 'people',
  'reset.': 'people',
  'verification.': 'people',
  'publish.': 'people',
  'padding.': 'people',
  'keys.': 'people',
  'response.ok': 'people',
  'response.refused': 'people',
  'response.': 'service',
  'import.': 'service',
  'export.': 'service',
  'store.': 'service',
  'job.failed.': 'service',
  internalError: 'service',
}

/** What only the edge of the process knows. */
export interface Surroundings {
  readonly version: string
  readonly started: UnixSeconds
  readonly failing: readonly Condition[]
  /** By quantile, in seconds. */
  readonly lateness: Readonly<Record<string, number>>
  readonly memory: number
  /** When the certificate ends; undefined without TLS. */
  readonly certificateExpires: UnixSeconds | undefined
  readonly queue: QueueReading | undefined
}

export interface QueueReading {
  readonly items: number
  /** Seconds since the oldest window began, and since it could be applied. */
  readonly oldest: number
  readonly overdue: number
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number, suffix?: string]

const tens = (count: number): number => Math.floor(count / TOGETHER) * TOGETHER

/** The text of all metrics at a time. */
export function metricsText(deps: Deps, surroundings: Surroundings, at: UnixSeconds): string {
  const samples: Readonly<Record<MetricName, readonly Sample[]>> = {
    ...processSamples(surroundings),
    ...stateSamples(deps, surroundings, at),
    ...jobSamples(deps.meter.jobs),
    ...countSamples(deps.counts),
    vicinity_request_seconds: histogramSamples(deps, 'request', 'endpoint'),
    vicinity_transaction_seconds: histogramSamples(deps, 'transaction', undefined),
    vicinity_batch_size: histogramSamples(deps, 'batch', 'of'),
  }
  const lines = (Object.keys(METRICS) as MetricName[]).flatMap((name) => [
    `# HELP ${name} ${METRICS[name][1]}`,
    `# TYPE ${name} ${METRICS[name][0]}`,
    ...samples[name].map(([labels, value, suffix = '']) => `${name}${suffix}${textOf(labels)} ${value}`),
  ])
  return `${lines.join('\n')}\n`
}

function textOf(labels: Sample[0]): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replaceAll(/[^\w ./+*-]/g, '?')}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const processSamples = ({ version, started, lateness, memory, certificateExpires }: Surroundings) => ({
  vicinity_build_info: [[{ version, node: process.versions.node }, 1]] as const,
  vicinity_start_time_seconds: [[{}, started]] as const,
  vicinity_event_loop_lateness_seconds: Object.entries(lateness).map(
    ([quantile, value]): Sample => [{ quantile }, value],
  ),
  vicinity_resident_memory_bytes: [[{}, memory]] as const,
  vicinity_certificate_expires_timestamp_seconds:
    certificateExpires === undefined ? [] : ([[{}, certificateExpires]] as const),
})

const stateSamples = (deps: Deps, { failing, queue }: Surroundings, at: UnixSeconds) => ({
  vicinity_ready: [[{}, failing.length === 0 ? 1 : 0]] as const,
  vicinity_condition: Object.keys(CONDITIONS).map(
    (condition): Sample => [{ condition }, failing.includes(condition as Condition) ? 0 : 1],
  ),
  vicinity_clock_steady: [[{}, deps.clockIsSteady() ? 1 : 0]] as const,
  vicinity_server_keys_missing: [[{}, missingServerKeys(deps, at)]] as const,
  vicinity_queue_items: queue === undefined ? [] : ([[{}, tens(queue.items)]] as const),
  vicinity_queue_oldest_seconds: queue === undefined ? [] : ([[{}, queue.oldest]] as const),
  vicinity_queue_overdue_seconds: queue === undefined ? [] : ([[{}, queue.overdue]] as const),
})

// `job` is a label of Prometheus' own.
const jobSamples = (jobs: ReadonlyMap<string, JobRecord>) => ({
  vicinity_job_last_success_timestamp_seconds: [...jobs].map(
    ([task, { lastSuccess }]): Sample => [{ task }, lastSuccess],
  ),
  vicinity_job_period_seconds: [...jobs].map(([task, { every }]): Sample => [{ task }, every]),
  vicinity_job_failures_total: [...jobs].map(([task, { failures }]): Sample => [{ task }, failures]),
})

const kindOf = (what: string): 'people' | 'service' | undefined =>
  EVENTS[Object.keys(EVENTS).find((beginning) => what.startsWith(beginning)) ?? '']

function countSamples(counts: ReadonlyMap<string, number>) {
  const [events, incidents, responses]: Sample[][] = [[], [], []]
  let other = 0
  for (const [what, count] of counts) {
    const kind = kindOf(what)
    if (what.startsWith('job.failed.') && what !== 'job.failed.audit') continue
    if (what.startsWith('response.')) {
      responses!.push([{ class: what.slice('response.'.length) }, kind === 'people' ? tens(count) : count])
    } else if (kind === 'service') incidents!.push([{ incident: what }, count])
    else if (kind === 'people') events!.push([{ event: what }, tens(count)])
    else other += count
  }
  events!.push([{ event: 'other' }, tens(other)])
  return { vicinity_events_total: events!, vicinity_incidents_total: incidents!, vicinity_responses_total: responses! }
}

function histogramSamples({ meter }: Deps, what: HistogramName, labelled: string | undefined): Sample[] {
  return [...meter.histograms(what)].flatMap(([label, histogram]) =>
    samplesOf(HISTOGRAMS[what], histogram, labelled === undefined ? {} : { [labelled]: label }),
  )
}

function samplesOf(bounds: readonly number[], { buckets, sum, count }: Histogram, labels: Sample[0]): Sample[] {
  let upTo = 0
  const cumulated = [...bounds.map(String), '+Inf'].map((le, k): Sample => {
    upTo += buckets[k]!
    return [{ ...labels, le }, upTo, '_bucket']
  })
  return [...cumulated, [labels, sum, '_sum'], [labels, count, '_count']]
}

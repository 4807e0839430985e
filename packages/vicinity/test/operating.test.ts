// docs/operating.md is held to the tables of the program, and the alerts to both.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { CONDITIONS } from '../../server/src/conditions.ts'
import { LOG_EVENTS } from '../../server/src/log.ts'
import { EVENTS, METRICS } from '../../server/src/metrics.ts'
import { CONFIG, SECRETS } from '../src/config.ts'
import { ROOT } from './command.ts'

const PAGE = `${ROOT}docs/operating.md`

const table = (heads: readonly string[], rows: readonly (readonly unknown[])[]): string =>
  [heads, heads.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => `${cell}`.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')

/** What stands between the marks of the page. */
const TABLES: Readonly<Record<string, string>> = {
  config: table(
    ['field', 'default', 'what'],
    Object.entries(CONFIG).map(([name, { value, help }]) => [
      `\`${name}\``,
      value === undefined ? '' : `\`${value}\``,
      help,
    ]),
  ),
  secrets: table(
    ['variable', 'what'],
    Object.entries(SECRETS).map(([name, what]) => [`\`${name}\``, what]),
  ),
  events: table(
    ['event', 'fields'],
    Object.entries(LOG_EVENTS).map(([name, fields]) => [`\`${name}\``, fields.join(', ')]),
  ),
  conditions: table(
    ['condition', 'holds while'],
    Object.entries(CONDITIONS).map(([name, when]) => [`\`${name}\``, when]),
  ),
  metrics: table(
    ['metric', 'type', 'what'],
    Object.entries(METRICS).map(([name, [type, help]]) => [`\`${name}\``, type, help]),
  ),
}

const rendered = (page: string): string =>
  Object.entries(TABLES).reduce(
    (text, [name, rows]) =>
      text.replace(
        new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end -->)`),
        (_all, begin, end) => `${begin}${rows}\n${end}`,
      ),
    page,
  )

test('operating: the page has every field, secret, event, condition and metric of the program', () => {
  const page = readFileSync(PAGE, 'utf8')
  for (const name of Object.keys(TABLES)) assert.ok(page.includes(`<!-- ${name} -->`), name)
  if (process.env['VICINITY_WRITE_DOCS'] !== undefined) writeFileSync(PAGE, rendered(page))
  assert.equal(readFileSync(PAGE, 'utf8'), rendered(page), 'VICINITY_WRITE_DOCS=1 makes its tables anew')
})

interface Alert {
  readonly name: string
  readonly expression: string
}

/** The rules as they stand in the example: one key a line. */
const alertsOf = (text: string): Alert[] =>
  [...text.matchAll(/^ {6}- alert: (\w+)\n {8}expr: (.+)$/gm)].map(([, name, expression]) => ({
    name: name!,
    expression: expression!,
  }))

const SUFFIXES = /_(?:bucket|sum|count)$/

/** Metrics of an expression that the program does not have, and labels that it does not give. */
const unknownIn = ({ expression }: Alert): string[] => {
  const metrics = [...expression.matchAll(/\bvicinity_\w+/g)].map(([name]) => name)
  const events = [...expression.matchAll(/(?:event|incident)=~?"([^"]+)"/g)].flatMap(([, names]) => names!.split('|'))
  const beginnings = Object.keys(EVENTS)
  return [
    ...metrics.filter((name) => !Object.hasOwn(METRICS, name) && !Object.hasOwn(METRICS, name.replace(SUFFIXES, ''))),
    ...events.filter(
      (name) =>
        !beginnings.some(
          (beginning) => name.startsWith(beginning) || beginning.startsWith(name.replace('.*Altered', '.')),
        ),
    ),
    ...(metrics.length === 0 ? ['no metric'] : []),
  ]
}

test('operating: every alert reads metrics that exist, and has a section that says what to do; no section is without its alert', () => {
  const alerts = alertsOf(readFileSync(`${ROOT}examples/alerts.yml`, 'utf8'))
  assert.ok(alerts.length >= 15)
  assert.deepEqual(alerts.flatMap(unknownIn), [])
  const sections = [...readFileSync(PAGE, 'utf8').matchAll(/^### (Vicinity\w+)\n\n(.{80,})$/gm)].map(([, name]) => name)
  assert.deepEqual(
    sections,
    alerts.map(({ name }) => name),
  )
})

test('planted: an alert on a metric or an event that does not exist is found', () => {
  const alert = (expression: string) => alertsOf(`      - alert: VicinityX\n        expr: ${expression}`)
  assert.equal(alert('vicinity_none > 1').flatMap(unknownIn).length, 1)
  assert.equal(alert('vicinity_events_total{event="nobody.knows"}').flatMap(unknownIn).length, 1)
  assert.equal(alert('up == 0').flatMap(unknownIn).length, 1)
  assert.deepEqual(alert('rate(vicinity_request_seconds_bucket[1m])').flatMap(unknownIn), [])
})

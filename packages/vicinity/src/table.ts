import type { ReplayResult } from '@vicinity/lab'

const many = (ids: readonly number[]): string => (ids.length > 12 ? `${ids.slice(0, 12).join(' ')} …` : ids.join(' '))

/** The result of a replay for people. */
export function resultTable(result: ReplayResult): string {
  const refused = Object.entries(result.itemsRefused).map(([step, count]) => `${count} at step ${step}`)
  const rows: [string, number, string][] = [
    ['people', result.people, `${result.registered} carry the application`],
    ['contact records', result.records, 'of 20 s each'],
    ['identifiers stored', result.receiverEbidPairs, 'distinct (receiver, EBID) pairs on the phones'],
    ['people who declared', result.declared, 'a diagnosis, after the last record'],
    ['items uploaded', result.itemsUploaded, 'one by one, dummies among them'],
    ['items accepted', result.itemsAccepted, refused.length === 0 ? '' : `refused: ${refused.join(', ')}`],
    ['people exposed', result.exposed, many(result.exposedIds)],
    ['people warned', result.atRisk, many(result.atRiskIds)],
  ]
  const lines = rows.map(([what, count, note]) =>
    `  ${what.padEnd(20)} ${String(count).padStart(7)}   ${note}`.trimEnd(),
  )
  return [...lines, `  ${'seconds'.padEnd(20)} ${result.seconds.toFixed(1).padStart(7)}`].join('\n')
}

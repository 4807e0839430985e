import type { GaenResult, Replayed, ReplayResult } from '@vicinity/lab'

const many = (ids: readonly number[]): string => (ids.length > 12 ? `${ids.slice(0, 12).join(' ')} …` : ids.join(' '))

type Row = readonly [string, number, string]

/** The result of a replay for people. */
export function resultTable({ robert, gaen }: Pick<Replayed, 'robert' | 'gaen'>): string {
  const rows = [...(robert === undefined ? [] : robertRows(robert)), ...(gaen === undefined ? [] : gaenRows(gaen))]
  const lines = rows.map(([what, count, note]) =>
    `  ${what.padEnd(20)} ${String(count).padStart(7)}   ${note}`.trimEnd(),
  )
  const seconds = robert?.seconds ?? gaen?.seconds ?? 0
  return [...lines, `  ${'seconds'.padEnd(20)} ${seconds.toFixed(1).padStart(7)}`].join('\n')
}

function robertRows(result: ReplayResult): Row[] {
  const refused = Object.entries(result.itemsRefused).map(([step, count]) => `${count} at step ${step}`)
  return [
    ['people', result.people, `${result.registered} carry the application`],
    ['contact records', result.records, 'of 20 s each'],
    ['identifiers stored', result.receiverEbidPairs, 'distinct (receiver, EBID) pairs on the phones'],
    ['people who declared', result.declared, 'a diagnosis, after the last record'],
    ['items uploaded', result.itemsUploaded, 'one by one, dummies among them'],
    ['items accepted', result.itemsAccepted, refused.length === 0 ? '' : `refused: ${refused.join(', ')}`],
    ['people exposed', result.exposed, many(result.exposedIds)],
    ['people warned', result.atRisk, many(result.atRiskIds)],
  ]
}

const gaenRows = (result: GaenResult): Row[] => [
  ['people', result.people, 'with the phones of GAEN'],
  ['contact records', result.records, 'of 20 s each'],
  ['identifiers stored', result.receiverRpiPairs, 'distinct (receiver, RPI) pairs on the phones'],
  ['people who published', result.declared, 'a diagnosis, after the last record'],
  ['keys published', result.keysPublished, `${result.exports} files in the index`],
  ['people matched', result.matched, many(result.matchedIds)],
  ['people warned', result.warned, many(result.warnedIds)],
]

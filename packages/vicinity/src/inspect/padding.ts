import { join } from 'node:path'
import { analysePadding, type KeyText, type PaddingAnalysis, type PaddingFinding } from '@vicinity/protocol/gaen'
import { Command } from 'commander'
import { UsageError } from '../usage.ts'
import { exportPathsIn, readExportFile } from './export-files.ts'

interface PaddingOptions {
  readonly keys?: boolean
  readonly json?: boolean
}

export interface InspectedPadding {
  readonly files: number
  readonly keys: number
  readonly toldReal: number
  readonly toldInvented: number
  readonly findings: readonly PaddingFinding[]
  /** In hexadecimal, where asked for. */
  readonly real?: readonly string[]
  readonly invented?: readonly string[]
}

export function paddingCommand(): Command {
  return new Command('padding')
    .description('Which keys of a set of exports (GAEN) are real and which invented. Ends with 1 when anything tells')
    .argument('<dir>', 'a folder of exports, .zip or .bin')
    .option('--keys', 'the keys too')
    .action((folder: string, options: PaddingOptions) => {
      const inspected = inspectPadding(folder, options)
      console.log(options.json ? JSON.stringify(inspected) : paddingTable(inspected))
      process.exitCode = inspected.findings.length === 0 ? 0 : 1
    })
}

export function inspectPadding(folder: string, { keys }: PaddingOptions): InspectedPadding {
  const names = exportPathsIn(folder)
  if (names.length === 0) throw new UsageError(`${folder} holds no exports`)
  const analysis = analysePadding(names.map((name) => ({ name, file: readExportFile(join(folder, name)).file })))
  return {
    files: analysis.files,
    keys: analysis.keys,
    toldReal: analysis.real.size,
    toldInvented: analysis.invented.size,
    findings: analysis.findings,
    ...(keys && keysOf(analysis)),
  }
}

const hexOf = (keys: ReadonlySet<KeyText>): string[] =>
  [...keys].map((key) => Buffer.from(key, 'latin1').toString('hex')).sort()

const keysOf = ({ real, invented }: PaddingAnalysis) => ({ real: hexOf(real), invented: hexOf(invented) })

const many = (count: number | undefined, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

const SAYS: Readonly<Record<PaddingFinding['rule'], (finding: PaddingFinding) => string>> = {
  vanished: ({ invented, narrowed }) =>
    `${many(invented, 'key')} missing where they would have to be again: invented; ${narrowed} remain`,
  lastOfItsKind: ({ real }) => `${many(real, 'key')} that invented ones are copies of: real`,
  unpadded: ({ real }) => `${many(real, 'key')} in lists too small to be padded: real`,
  stranger: ({ real }) => `${many(real, 'key')} unlike all others: real`,
  copied: ({ narrowed }) => `counts are multiples, as of ${many(narrowed, 'real key')} that were copied`,
  emptyWindow: () => 'some windows have no keys, so these have real ones',
  order: () => 'the order of the keys shows which belong together',
}

/** For people. */
export function paddingTable(inspected: InspectedPadding): string {
  const { files, keys, toldReal, toldInvented, findings } = inspected
  const rows: [string, number][] = [
    ['files', files],
    ['keys', keys],
    ['told real', toldReal],
    ['told invented', toldInvented],
  ]
  const lines = findings.map((finding) => {
    const list = finding.list === 'keys' ? 'keys' : 'revised keys'
    return `${list} of ${finding.region || 'no region'}, ${many(finding.files.length, 'file')}: ${SAYS[finding.rule](finding)}`
  })
  return [
    ...rows.map(([name, count]) => `${name.padEnd(14)} ${String(count).padStart(8)}`),
    ...(findings.length === 0 ? ['Nothing tells them apart.'] : lines),
    ...(inspected.real ?? []).map((key) => `real     ${key}`),
    ...(inspected.invented ?? []).map((key) => `invented ${key}`),
  ].join('\n')
}

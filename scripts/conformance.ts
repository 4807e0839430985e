// Renders docs/conformance.md from docs/conformance.json; with --check only says whether it is current.
import { readFileSync, writeFileSync } from 'node:fs'

/** A normative statement of ROBERT v1.1 and what carries it. */
export interface Statement {
  readonly id: string
  /** In short. */
  readonly statement: string
  /** `path#name` of the function, type or value. */
  readonly where: readonly string[]
  /** Titles of tests. */
  readonly tests: readonly string[]
  /** What later work brings it, or the rest of it. */
  readonly later?: string
}

const SOURCE = new URL('../docs/conformance.json', import.meta.url)
const TARGET = new URL('../docs/conformance.md', import.meta.url)

export const statements = (): Statement[] => JSON.parse(readFileSync(SOURCE, 'utf8'))

const cell = (text: string) => text.replaceAll('|', '\\|')
const place = (where: string) => {
  const [path = '', name = ''] = where.split('#')
  return `\`${name}\` in [${path.replace(/^packages\/(\w+)\/src\//, '$1/')}](../${path})`
}

export function render(rows: readonly Statement[]): string {
  const done = rows.filter(({ later }) => later === undefined).length
  const head = [
    '# Conformance',
    '',
    'Every normative statement of ROBERT v1.1, §2 to §8 and appendices A to C, with the code that carries it and the tests that show',
    `it. ${rows.length} statements: ${done} carried, ${rows.length - done} wait for later work, in whole or in part, and say for which.`,
    'Made from `conformance.json` by `node scripts/run.mjs scripts/conformance.ts`; a test checks that every name and every title exists.',
    '',
    '| step | statement | code | tests |',
    '|---|---|---|---|',
  ]
  const lines = rows.map(({ id, statement, where, tests, later }) => {
    const said = later === undefined ? cell(statement) : `${cell(statement)} **Later: ${later}.**`
    return `| ${cell(id)} | ${said} | ${where.map(place).join('; ')} | ${tests.map(cell).join('; ')} |`
  })
  return `${[...head, ...lines].join('\n')}\n`
}

if (import.meta.main) {
  const wanted = render(statements())
  if (!process.argv.includes('--check')) writeFileSync(TARGET, wanted)
  else if (readFileSync(TARGET, 'utf8') !== wanted) {
    console.error('docs/conformance.md is not current: run node scripts/run.mjs scripts/conformance.ts')
    process.exitCode = 1
  }
}

// Writes vectors/vicinity.json, our own cases, from the second implementation. With --check it only says whether the file that
// is there is the one that would be written.
//   node scripts/run.mjs test/kit/make.ts [--check]
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Case, Sections } from './cases/case.ts'
import { contactSections } from './cases/contacts.ts'
import { identifierSections } from './cases/identifiers.ts'
import { replySections } from './cases/replies.ts'
import { requestSections } from './cases/requests.ts'
import { timeSections } from './cases/time.ts'

const FILE = new URL('../../vectors/vicinity.json', import.meta.url)
const README = new URL('../../vectors/README.md', import.meta.url)

export const SECTIONS: Sections = {
  ...timeSections,
  ...identifierSections,
  ...requestSections,
  ...replySections,
  ...contactSections,
}

const ABOUT =
  'Cases of ROBERT made for the Vicinity project by its second implementation, not published by anybody else. ' +
  'README.md beside this file says what every section and field means. Bytes are lower-case hexadecimal, big-endian.'

const json = (value: unknown): string =>
  JSON.stringify(value, (_, field) => {
    if (typeof field !== 'bigint') return field
    if (!Number.isSafeInteger(Number(field))) throw new RangeError(`${field} is no number of JSON`)
    return Number(field)
  })

const lineOf = ({ name, input, expected }: Case): string => json({ name, input, expected, source: 'vicinity' })

/** The file: one case per line, so that a difference shows which case it is. */
export function vectorsText(): string {
  const sections = Object.entries(SECTIONS).map(
    ([name, cases]) => `${json(name)}: [\n${cases.map(lineOf).join(',\n')}\n]`,
  )
  return `{\n"about": ${json(ABOUT)},\n"licence": "Apache-2.0",\n"sections": {\n${sections.join(',\n')}\n}\n}\n`
}

/** The notes with the sum of the file. */
const withSum = (notes: string, text: string): string =>
  notes.replace(
    /^[0-9a-f]{64} {2}vicinity\.json$/m,
    `${createHash('sha256').update(text).digest('hex')}  vicinity.json`,
  )

/** What is not as it would be written now. */
export function outdated(): string[] {
  const text = vectorsText()
  const notes = readFileSync(README, 'utf8')
  const files: string[] = []
  if (readFileSync(FILE, 'utf8') !== text) files.push('vectors/vicinity.json')
  if (withSum(notes, text) !== notes || !notes.includes('  vicinity.json\n')) files.push('vectors/README.md')
  return files
}

if (import.meta.main) {
  const found = process.argv.includes('--check') ? outdated() : []
  if (found.length > 0) {
    console.log(`not current: ${found.join(', ')}; write them with: node scripts/run.mjs test/kit/make.ts`)
    process.exitCode = 1
  } else if (process.argv.includes('--check')) {
    console.log('vectors/vicinity.json is current')
  } else {
    const text = vectorsText()
    writeFileSync(FILE, text)
    writeFileSync(README, withSum(readFileSync(README, 'utf8'), text))
    for (const [name, cases] of Object.entries(SECTIONS)) console.log(`${name} ${cases.length}`)
  }
}

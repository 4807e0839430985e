import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** Contacts of a trace in order of time: at `times[k]` the people `left[k]` and `right[k]` are near. */
export interface Trace {
  readonly times: Float64Array
  readonly left: Float64Array
  readonly right: Float64Array
  /** Ids that occur, ascending. */
  readonly people: readonly number[]
}

/** A trace that cannot be used, with the line or the column at fault. */
export class BadTrace extends Error {
  override readonly name = 'BadTrace'
}

const MOST_BYTES = 1 << 30
const NAMES = ['t', 'i', 'j']

/** Reads a trace file: SocioPatterns' own form (`t i j …`, no header) or CSV with the header `t,i,j`; plain or gzip. */
export function loadTrace(path: string): Trace {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new BadTrace(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes, { maxOutputLength: MOST_BYTES })
  return parseTrace(new TextDecoder().decode(bytes))
}

export function parseTrace(text: string): Trace {
  const lines = text.split('\n')
  const header = lines[0]?.trim() ?? ''
  const hasHeader = !/^\d/.test(header)
  const isCsv = hasHeader || header.includes(',')
  if (hasHeader) checkHeader(header)
  const rows: [number, number, number][] = []
  for (let k = hasHeader ? 1 : 0; k < lines.length; k++) {
    const line = lines[k]!.trim()
    if (line !== '') rows.push(parseRow(line, isCsv, k + 1))
  }
  if (rows.length === 0) throw new BadTrace('the trace holds no contact')
  rows.sort((a, b) => a[0] - b[0])
  const people = new Set<number>()
  for (const [, i, j] of rows) people.add(i).add(j)
  const column = (index: 0 | 1 | 2) => Float64Array.from(rows, (row) => row[index])
  return { times: column(0), left: column(1), right: column(2), people: [...people].sort((a, b) => a - b) }
}

function checkHeader(header: string): void {
  const names = header.split(',').map((name) => name.trim())
  const missing = NAMES.filter((name) => !names.includes(name))
  const unknown = names.filter((name) => !NAMES.includes(name))
  if (missing.length === 0 && unknown.length === 0 && names.join() === NAMES.join()) return
  const told = [
    ...missing.map((name) => `column ${name} is missing`),
    ...unknown.map((name) => `column ${JSON.stringify(name.slice(0, 40))} is not known`),
  ]
  throw new BadTrace(
    `line 1: ${told.join(', ') || 'the columns stand in another order'}; a trace has the columns t,i,j`,
  )
}

/** CSV has exactly three columns; the native form may have more behind them (departments, for one). */
function parseRow(line: string, isCsv: boolean, number: number): [number, number, number] {
  const cells = isCsv ? line.split(',') : line.split(/\s+/)
  if (cells.length < 3 || (isCsv && cells.length > 3)) {
    throw new BadTrace(`line ${number}: three columns are needed, there are ${cells.length}`)
  }
  const [t, i, j] = cells.slice(0, 3).map((cell) => (/^\s*\d{1,15}\s*$/.test(cell) ? Number(cell) : Number.NaN))
  if (t === undefined || i === undefined || j === undefined || Number.isNaN(t + i + j)) {
    throw new BadTrace(`line ${number}: t, i and j must be whole numbers from 0 up`)
  }
  if (i === j) throw new BadTrace(`line ${number}: ${i} cannot meet itself`)
  return [t, i, j]
}

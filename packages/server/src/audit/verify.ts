// Finds what was done to a log, from its bytes and those of its heads alone.
import { Malformed } from '@vicinity/protocol'
import { equalBytes } from '@vicinity/protocol/crypto'
import { decodeEntry, type Entry } from './entry.ts'
import { decodeHead, type Head, isSigned } from './head.ts'
import { linesOf } from './lines.ts'
import { Frontier, leafHash } from './tree.ts'

export type FaultKind =
  /** A line is none that the log writes. */
  | 'malformed'
  /** Entries are missing before this one. */
  | 'deleted'
  /** It stands elsewhere in the log, or twice. */
  | 'reordered'
  /** Its bytes are not those that the next entry, or a head, was made over. */
  | 'altered'
  /** The newest head has seen entries that are gone. */
  | 'truncated'
  /** No head covers it. */
  | 'unsigned'
  /** A head that is damaged, out of order, or not signed under the key. */
  | 'head'

export interface Fault {
  readonly kind: FaultKind
  /** The first entry that is concerned, by its number; undefined where it is a head. */
  readonly entry?: number
  /** The head that is concerned, by its number. */
  readonly head?: number
}

export const describeFault = ({ kind, entry, head }: Fault): string =>
  `${kind}, ${entry === undefined ? `head ${head}` : `entry ${entry}`}`

export interface Verdict {
  readonly entries: readonly Entry[]
  readonly heads: readonly Head[]
  readonly fault: Fault | undefined
}

export interface LogBytes {
  readonly log: Uint8Array
  readonly heads: Uint8Array
  /** Heads that somebody else kept. */
  readonly witnessed?: Uint8Array
}

export interface VerifyOptions {
  /** The public point of the log. Default: that of its first head, which then proves less. */
  readonly key?: Uint8Array | undefined
  readonly isSigned?: (head: Head) => boolean
}

/** Reads a log to its first fault. */
export function verifyLog({ log, heads, witnessed }: LogBytes, options: VerifyOptions = {}): Verdict {
  const own = readHeads(heads, options, true)
  const others = readHeads(witnessed ?? new Uint8Array(0), { ...options, key: options.key ?? own.heads[0]?.key }, false)
  const all = [...own.heads, ...others.heads]
  const { entries, fault } = readEntries(log, all)
  // A bad head first: without it its entries would pass for ones that a crash left unsigned.
  return { entries, heads: own.heads, fault: own.fault ?? others.fault ?? fault }
}

function readHeads(bytes: Uint8Array, options: VerifyOptions, ordered: boolean) {
  const { lines, torn } = linesOf(bytes)
  const heads: Head[] = []
  const check = options.isSigned ?? isSigned
  for (const [number, line] of lines.entries()) {
    const head = decoded(line, decodeHead)
    const before = heads.at(-1)
    const key = options.key ?? heads[0]?.key ?? head?.key
    const inOrder = !ordered || before === undefined || (head?.size ?? 0) >= before.size
    if (head === undefined || !inOrder || !equalBytes(head.key, key!) || !check(head)) {
      return { heads, fault: { kind: 'head', head: number } as const }
    }
    heads.push(head)
  }
  return { heads, fault: torn > 0 ? ({ kind: 'head', head: lines.length } as const) : undefined }
}

function readEntries(log: Uint8Array, heads: readonly Head[]): Pick<Verdict, 'entries' | 'fault'> {
  const { lines, torn } = linesOf(log)
  const roots = new Map<number, Uint8Array[]>()
  for (const { size, root } of heads) roots.set(size, [...(roots.get(size) ?? []), root])
  const signed = heads.reduce((most, { size }) => Math.max(most, size), 0)
  const tree = new Frontier()
  const entries: Entry[] = []
  let previous: Uint8Array = new Uint8Array(32)
  for (const [number, line] of lines.entries()) {
    const entry = decoded(line, decodeEntry)
    const kind = faultOf(entry, number, previous, lines)
    // A link that does not hold says that the entry before was altered, unless a head has already vouched for that one.
    const vouched = number === 0 || roots.has(number)
    if (kind !== undefined) {
      return { entries, fault: { kind, entry: kind === 'altered' && !vouched ? number - 1 : number } }
    }
    entries.push(entry!)
    previous = leafHash(line)
    tree.add(previous)
    if (roots.get(number + 1)?.some((root) => !equalBytes(root, tree.root()))) {
      return { entries, fault: { kind: 'altered', entry: number } }
    }
  }
  if (lines.length < signed) return { entries, fault: { kind: 'truncated', entry: lines.length } }
  if (torn > 0) return { entries, fault: { kind: 'malformed', entry: lines.length } }
  return { entries, fault: lines.length > signed ? { kind: 'unsigned', entry: signed } : undefined }
}

function faultOf(
  entry: Entry | undefined,
  number: number,
  previous: Uint8Array,
  lines: readonly Uint8Array[],
): FaultKind | undefined {
  if (entry === undefined) return 'malformed'
  if (entry.sequence < number) return 'reordered'
  if (entry.sequence > number) {
    const elsewhere = lines.some((line) => decoded(line, decodeEntry)?.sequence === number)
    return elsewhere ? 'reordered' : 'deleted'
  }
  return equalBytes(entry.previous, previous) ? undefined : 'altered'
}

function decoded<Value>(line: Uint8Array, decode: (line: Uint8Array) => Value): Value | undefined {
  try {
    return decode(line)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return undefined
  }
}

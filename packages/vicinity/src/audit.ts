// `vicinity audit`: what an auditor runs, on copies of the files and without a back-end.
import { existsSync, readFileSync } from 'node:fs'
import { toHex } from '@vicinity/protocol'
import {
  type AuditEntry,
  type AuditFault,
  type AuditHead,
  type AuditVerdict,
  headsPath,
  verifyLog,
} from '@vicinity/server'
import { Command } from 'commander'
import { utc } from './inspect/fields.ts'
import { readPoint } from './public-key.ts'
import { UsageError } from './usage.ts'

interface VerifyCommandOptions {
  readonly key?: string
  readonly heads?: string
  readonly witness?: string
  readonly json?: boolean
}

const MEANINGS: Readonly<Record<AuditFault['kind'], string>> = {
  malformed: 'is no line that the log writes: altered, or torn by a crash that the back-end has not seen yet',
  deleted: 'is missing: it was deleted',
  reordered: 'does not stand in its place: the log was reordered, or an entry copied',
  altered: 'was altered',
  truncated: 'and what follows it is missing: a signed head has seen it',
  unsigned: 'is under no signed head: appended by somebody else, or a crash that the back-end has not seen yet',
  head: 'is damaged, out of order, or not signed under the key',
}

export function auditCommand(): Command {
  const audit = new Command('audit').description('The audit log of a back-end, offline')
  audit
    .command('verify')
    .description('Find what was deleted, altered, reordered, cut off or appended; ends with 1 when something was')
    .argument('<file>', 'the log; its heads lie beside it')
    .option('--key <pem or hex>', 'public key of the log, as vicinity serve prints it')
    .option('--heads <file>', 'its signed heads (default: FILE.heads)')
    .option('--witness <file>', 'heads of it that somebody else kept')
    .option('--json', 'one line of JSON')
    .action((file: string, options: VerifyCommandOptions) => {
      const verdict = verifyFiles(file, options)
      console.log(options.json ? JSON.stringify(summaryOf(verdict, options)) : textOf(file, verdict, options))
      if (verdict.fault !== undefined) process.exitCode = 1
    })
  audit
    .command('show')
    .description('Print the entries of a log, to its first fault')
    .argument('<file>', 'the log; its heads lie beside it')
    .option('--json', 'a line of JSON each')
    .action((file: string, options: { readonly json?: boolean }) => {
      const { entries, fault } = verifyFiles(file, {})
      for (const entry of entries) console.log(options.json ? jsonOf(entry) : lineOf(entry))
      if (fault === undefined) return
      console.error(`vicinity: ${sentenceOf(fault)}`)
      process.exitCode = 1
    })
  return audit
}

/** A back-end may be writing: what was read between an entry and its head is read again. */
const TRIES = 3

/** Verifies a log with the heads beside it. Throws `UsageError` where it cannot be read. */
export function verifyFiles(
  file: string,
  { key, heads = headsPath(file), witness }: VerifyCommandOptions,
): AuditVerdict {
  const point = key === undefined ? undefined : orUsageError(key, () => readPoint(key))
  const read = (path: string) => orUsageError(path, () => new Uint8Array(readFileSync(path)))
  for (let tries = 1; ; tries++) {
    const verdict = verifyLog(
      {
        log: read(file),
        heads: existsSync(heads) ? read(heads) : new Uint8Array(0),
        ...(witness !== undefined && { witnessed: read(witness) }),
      },
      { key: point },
    )
    if (tries === TRIES || (verdict.fault?.kind !== 'truncated' && verdict.fault?.kind !== 'unsigned')) return verdict
  }
}

function orUsageError<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw new UsageError(`${path} cannot be read (${error.code})`)
    throw error
  }
}

const summaryOf = ({ entries, heads, fault }: AuditVerdict, { key }: VerifyCommandOptions) => ({
  ok: fault === undefined,
  fault: fault === undefined ? null : { ...fault, meaning: sentenceOf(fault) },
  entries: entries.length,
  heads: heads.length,
  newestHead: describeHead(heads.at(-1)),
  key: keyOf(heads),
  keyGiven: key !== undefined,
})

const describeHead = (head: AuditHead | undefined) =>
  head === undefined ? null : { size: head.size, at: utc(head.at), root: toHex(head.root) }

const keyOf = (heads: readonly AuditHead[]): string | null => (heads[0] === undefined ? null : toHex(heads[0].key))

function textOf(file: string, { entries, heads, fault }: AuditVerdict, { key }: VerifyCommandOptions): string {
  const head = heads.at(-1)
  const compared = key === undefined ? 'as the heads say themselves: compare it, or give it with --key' : 'as given'
  return [
    `${file}: ${fault === undefined ? 'as it was written' : sentenceOf(fault)}`,
    `  entries  ${entries.length}${fault === undefined ? '' : ' before the fault'}`,
    `  heads    ${heads.length}`,
    ...(head === undefined ? [] : [`  newest   ${utc(head.at)}, ${head.size} entries, root ${toHex(head.root)}`]),
    ...(head === undefined ? [] : [`  key      ${keyOf(heads)} (${compared})`]),
  ].join('\n')
}

const sentenceOf = ({ kind, entry, head }: AuditFault): string =>
  `${kind}: ${entry === undefined ? `head ${head}` : `entry ${entry}`} ${MEANINGS[kind]}`

const jsonOf = ({ previous, ...entry }: AuditEntry): string =>
  JSON.stringify({ ...entry, at: utc(entry.at), previous: toHex(previous) })

function lineOf({ sequence, at, role, act, details, parameters }: AuditEntry): string {
  const said = Object.entries(details).map(([name, value]) => `${name}=${value}`)
  return [String(sequence).padStart(6), utc(at), role.padEnd(9), act.padEnd(21), parameters, ...said].join('  ')
}

// The audit log: an act is in it, durable and signed, before it takes effect. Writing is synchronous, as is the making of a key: what
// cannot be logged throws, and the act does not happen.
import { DAY_SECONDS, toHex, type UnixSeconds } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import { type ActName, type DetailsOf, encodeEntry } from './entry.ts'
import { encodeHead, isSigned, type Signer, signHead } from './head.ts'
import { linesOf, withEnd } from './lines.ts'
import { Frontier, leafHash } from './tree.ts'
import { describeFault, verifyLog } from './verify.ts'

/** The log cannot be written or was tampered with: what has to be in it does not happen. */
export class AuditError extends Error {
  override readonly name = 'AuditError'
}

/** Bytes that only grow. */
export interface Appendable {
  readonly read: () => Uint8Array
  /** Durable when it returns. */
  readonly append: (bytes: Uint8Array) => void
  /** Keeps the first `size` bytes. */
  readonly cut: (size: number) => void
  readonly close: () => void
}

/** What the authority issues; its log tells how many in a day, because single entries would tell when single people were diagnosed. */
export type Issued = 'codes' | 'resets' | 'verificationCodes'

export interface AuditLog {
  /** Throws when the act cannot be logged: then it must not happen. */
  readonly append: <Name extends ActName>(act: Name, details: DetailsOf<Name>) => void
  /** The authority is about to issue something: an entry with the first of a day. */
  readonly issuing: () => void
  /** It did: counted, and an entry when the day is over. */
  readonly issued: (what: Issued) => void
  /** Somebody came without the right key or token. */
  readonly refused: () => void
  /** Logs what was counted and signs a new head now and then; called by the clock. */
  readonly keep: () => void
  /** Logs what was counted and the stop. */
  readonly close: () => void
  /** The public point that verifies it; undefined where nothing is kept. */
  readonly key: Uint8Array | undefined
}

/** For worlds in memory: nobody will ask what they did. */
export const NO_AUDIT: AuditLog = {
  append: () => {},
  issuing: () => {},
  issued: () => {},
  refused: () => {},
  keep: () => {},
  close: () => {},
  key: undefined,
}

/** A head says that the log was complete at a time: without entries there is a new one so often. */
const HEAD_SECONDS = 3600

export interface AuditFiles {
  readonly log: Appendable
  readonly heads: Appendable
}

export interface AuditInput {
  readonly files: AuditFiles
  readonly signer: Signer
  readonly now: () => UnixSeconds
  /** The set of parameters in force, as text. */
  readonly parameters: string
}

/** Opens a log and signs what a crash left unsigned, after an entry that says so. Throws when the log was tampered with. */
export function openAudit(input: AuditInput): AuditLog {
  const { files, signer, now } = input
  const writer = writerOf(input)
  const digest = toHex(digestOf(input.parameters))
  let issued: Record<Issued, number> & { day: number } = { day: -1, codes: 0, resets: 0, verificationCodes: 0 }
  let refused = 0
  const today = () => Math.floor(now() / DAY_SECONDS)
  const endDay = () => {
    if (issued.day < 0) return
    const ended = issued
    issued = { day: -1, codes: 0, resets: 0, verificationCodes: 0 }
    writer.append('authority.issued', ended)
  }
  const issuing = () => {
    const day = today()
    if (issued.day === day) return
    endDay()
    writer.append('authority.day', { day })
    issued = { day, codes: 0, resets: 0, verificationCodes: 0 }
  }
  const endRefused = () => {
    const times = refused
    refused = 0
    if (times > 0) writer.append('authorisation.refused', { times })
  }
  const keyDigest = toHex(sha256(signer.point))
  if (writer.size() === 0) writer.append('log.opened', { keyDigest })
  writer.append('parameters.inForce', { digest })
  return {
    append: writer.append,
    issuing,
    issued(what) {
      issuing()
      issued[what]++
    },
    refused: () => void refused++,
    keep() {
      if (issued.day !== today()) endDay()
      endRefused()
      if (now() - writer.signedAt() >= HEAD_SECONDS) writer.sign()
    },
    close() {
      try {
        endDay()
        endRefused()
        writer.append('server.stopped', {})
      } finally {
        files.log.close()
        files.heads.close()
      }
    },
    key: signer.point,
  }
}

/** The ends of the two files. */
function writerOf({ files: { log, heads }, signer, now, parameters }: AuditInput) {
  const found = inspect(log.read(), heads.read(), signer.point)
  log.cut(found.logSize)
  heads.cut(found.headsSize)
  const version = toHex(digestOf(parameters).subarray(0, 8))
  const tree = new Frontier()
  let previous: Uint8Array = new Uint8Array(32)
  const extend = (line: Uint8Array) => {
    previous = leafHash(line)
    tree.add(previous)
  }
  linesOf(log.read()).lines.forEach(extend)
  let signedAt = 0
  const sign = () => {
    const at = now()
    orAuditError(() => heads.append(withEnd(encodeHead(signHead(signer, tree.size, tree.root(), at)))))
    signedAt = at
  }
  const append = <Name extends ActName>(act: Name, details: DetailsOf<Name>): void => {
    const line = encodeEntry({ sequence: tree.size, at: now(), act, parameters: version, details, previous })
    orAuditError(() => log.append(withEnd(line)))
    extend(line)
    sign()
  }
  const { entryBytes, headBytes, unsigned } = found
  if (entryBytes + headBytes > 0) append('log.cut', { entryBytes, headBytes })
  if (unsigned !== undefined) append('log.unsigned', { first: unsigned, entries: tree.size - unsigned })
  return { append, sign, size: () => tree.size, signedAt: () => signedAt }
}

/** What a crash may have left: a torn line, an entry without a head. Everything else is none of ours, and is left as evidence. */
function inspect(log: Uint8Array, heads: Uint8Array, key: Uint8Array) {
  const [entryBytes, headBytes] = [linesOf(log).torn, linesOf(heads).torn]
  const [logSize, headsSize] = [log.length - entryBytes, heads.length - headBytes]
  const newest = linesOf(heads).lines.length - 1
  let number = 0
  const { fault } = verifyLog(
    { log: log.subarray(0, logSize), heads: heads.subarray(0, headsSize) },
    // The newest head covers what the others do; an auditor looks at each.
    { key, isSigned: (head) => number++ < newest || isSigned(head) },
  )
  if (fault !== undefined && fault.kind !== 'unsigned') {
    throw new AuditError(`the audit log was tampered with (${describeFault(fault)}): see vicinity audit verify`)
  }
  return { entryBytes, headBytes, logSize, headsSize, unsigned: fault?.entry }
}

const digestOf = (text: string): Uint8Array => sha256(new TextEncoder().encode(text))

function orAuditError(write: () => void): void {
  try {
    write()
  } catch (error) {
    throw new AuditError('the audit log cannot be written', { cause: error })
  }
}

export function memoryAppendable(bytes: Uint8Array = new Uint8Array(0)): Appendable {
  let held = Uint8Array.from(bytes)
  return {
    read: () => Uint8Array.from(held),
    append(more) {
      const longer = new Uint8Array(held.length + more.length)
      longer.set(held)
      longer.set(more, held.length)
      held = longer
    },
    cut(size) {
      held = held.slice(0, size)
    },
    close: () => {},
  }
}

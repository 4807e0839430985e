// T-70: whatever is done to one place of a log is found, from its bytes and those of its heads alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, drawBelow, type Random, toHex } from '@vicinity/protocol'
import { encodeHead, type Head, isSigned, signHead } from '../src/audit/head.ts'
import { linesOf, withEnd } from '../src/audit/lines.ts'
import { leafHash, rootOf } from '../src/audit/tree.ts'
import { type Fault, type LogBytes, verifyLog } from '../src/audit/verify.ts'
import { auditWorld, bytesOf, KEY, memoryFiles, PRIVATE_KEY, signerOf } from './audit-fixture.ts'
import { NOON, randomOf } from './fixture.ts'

function written(entries: number): LogBytes {
  const files = memoryFiles()
  const log = auditWorld().open(files)
  for (let k = 2; k < entries; k++) {
    if (k % 3 === 0) log.append('key.destroyed', { name: `server-key-${k}` })
    else
      log.append('export.signed', { starts: 1_790_000_000 + k, file: k % 2, digest: toHex(leafHash(Uint8Array.of(k))) })
  }
  return bytesOf(files)
}

/** Signatures are looked at once; a run of thousands would do nothing else. */
const seen = new Map<string, boolean>()
function isSignedOnce(head: Head): boolean {
  const line = toHex(encodeHead(head))
  const known = seen.get(line) ?? isSigned(head)
  seen.set(line, known)
  return known
}

const faultOf = (bytes: LogBytes, key: Uint8Array | undefined = KEY): Fault | undefined =>
  verifyLog(bytes, { key, isSigned: isSignedOnce }).fault
const joined = (lines: readonly Uint8Array[]) => concat(...lines.map(withEnd))

/** Ways to change one place of a file: the file after it, and the first entry that it concerns. */
const WAYS: Readonly<
  Record<string, (bytes: Uint8Array, random: Random) => { readonly to: Uint8Array; first: number }>
> = {
  delete(bytes, random) {
    const { lines } = linesOf(bytes)
    const k = drawBelow(random, lines.length)
    return { to: joined(lines.toSpliced(k, 1)), first: k }
  },
  alter(bytes, random) {
    const to = Uint8Array.from(bytes)
    const place = drawBelow(random, to.length)
    to[place]! ^= 1 + drawBelow(random, 255)
    return { to, first: linesOf(bytes.subarray(0, place)).lines.length }
  },
  swap(bytes, random) {
    const { lines } = linesOf(bytes)
    const [a, b] = [drawBelow(random, lines.length), 1 + drawBelow(random, lines.length - 1)]
    const other = (a + b) % lines.length
    return { to: joined(lines.with(a, lines[other]!).with(other, lines[a]!)), first: Math.min(a, other) }
  },
  duplicate(bytes, random) {
    const { lines } = linesOf(bytes)
    const [from, to] = [drawBelow(random, lines.length), drawBelow(random, lines.length + 1)]
    // A copy right before its original is the same as one right behind it.
    return { to: joined(lines.toSpliced(to, 0, lines[from]!)), first: to === from ? to + 1 : to }
  },
  truncate(bytes, random) {
    const length = drawBelow(random, bytes.length)
    return { to: bytes.subarray(0, length), first: linesOf(bytes.subarray(0, length)).lines.length }
  },
}

test('each of 10,000 single tamperings of the audit log is detected, and its first entry named (T-70)', () => {
  const seed = 'tampering 1'
  const random = randomOf(seed)
  const bytes = written(20)
  assert.equal(verifyLog(bytes, { key: KEY }).fault, undefined)
  const ways = Object.entries(WAYS)
  for (let k = 0; k < 10_000; k++) {
    const [name, change] = ways[k % ways.length]!
    const { to, first } = change(bytes.log, random)
    // The heads are those whose signatures were looked at above.
    const { fault } = verifyLog({ ...bytes, log: to }, { key: KEY, isSigned: () => true })
    assert.equal(fault?.entry, first, `${seed}, ${name} ${k}: ${JSON.stringify(fault)}`)
  }
})

test('each of 2,000 tamperings of the heads is detected, but for an older head that is left out (T-70)', () => {
  const random = randomOf('tampering of heads')
  const bytes = written(20)
  const { lines } = linesOf(bytes.heads)
  for (let k = 0; k < 2000; k++) {
    const name = (['alter', 'swap', 'truncate'] as const)[k % 3]!
    const { to } = WAYS[name]!(bytes.heads, random)
    assert.notEqual(faultOf({ ...bytes, heads: to }), undefined, `${name} ${k}`)
  }
  // The newest one says all that the others say.
  assert.equal(faultOf({ ...bytes, heads: withEnd(lines.at(-1)!) }), undefined)
  assert.deepEqual(faultOf({ ...bytes, heads: joined(lines.slice(0, -1)) }), { kind: 'unsigned', entry: 19 })
  assert.deepEqual(faultOf({ ...bytes, heads: new Uint8Array(0) }), { kind: 'unsigned', entry: 0 })
})

test('what was done to an entry has a name: deleted, reordered, altered, truncated, unsigned (T-70)', () => {
  const bytes = written(12)
  const { lines } = linesOf(bytes.log)
  const fault = (log: Uint8Array) => faultOf({ ...bytes, log })
  assert.deepEqual(fault(joined(lines.toSpliced(4, 2))), { kind: 'deleted', entry: 4 })
  assert.deepEqual(fault(joined(lines.with(4, lines[7]!).with(7, lines[4]!))), { kind: 'reordered', entry: 4 })
  assert.deepEqual(fault(joined(lines.toSpliced(5, 0, lines[4]!))), { kind: 'reordered', entry: 5 })
  const text = new TextDecoder().decode(bytes.log)
  const altered = new TextEncoder().encode(text.replace('"name":"server-key-6"', '"name":"server-key-7"'))
  assert.deepEqual(fault(altered), { kind: 'altered', entry: 6 })
  // Without the heads of each size the chain alone names it.
  const heads = withEnd(linesOf(bytes.heads).lines.at(-1)!)
  assert.deepEqual(faultOf({ log: altered, heads }), { kind: 'altered', entry: 6 })
  assert.deepEqual(fault(joined(lines.slice(0, 9))), { kind: 'truncated', entry: 9 })
  assert.deepEqual(fault(concat(bytes.log, withEnd(Uint8Array.of(123)))), { kind: 'malformed', entry: 12 })
})

test('a log that somebody rewrote with a key of his own is found by the key, and by a head kept elsewhere (T-70)', () => {
  const bytes = written(12)
  const { lines } = linesOf(bytes.log)
  const shorter = lines.slice(0, 8)
  const own = randomOf('own key')(32)
  const rewritten = {
    log: joined(shorter),
    heads: withEnd(encodeHead(signHead(signerOf(own), 8, rootOf(shorter.map(leafHash)), NOON))),
  }
  assert.equal(verifyLog(rewritten).fault, undefined)
  assert.deepEqual(faultOf(rewritten), { kind: 'head', head: 0 })
  // Whoever has the key of the log itself rewrites it unseen, unless somebody else kept a head.
  const root = rootOf(shorter.map(leafHash))
  const insider = { log: rewritten.log, heads: withEnd(encodeHead(signHead(signerOf(PRIVATE_KEY), 8, root, NOON))) }
  assert.equal(faultOf(insider), undefined)
  assert.deepEqual(faultOf({ ...insider, witnessed: bytes.heads }), { kind: 'truncated', entry: 8 })
})

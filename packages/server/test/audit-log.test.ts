// One contract for every kind of audit log; then what a crash leaves, on files.
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ascii, DAY_SECONDS, later, Malformed } from '@vicinity/protocol'
import { auditFiles, headsPath } from '../src/audit/file-log.ts'
import { AuditError, type AuditFiles } from '../src/audit/log.ts'
import { actsOf, auditWorld, bytesOf, KEY, memoryFiles, verdictOf } from './audit-fixture.ts'
import { temporaryDirectory } from './fixture.ts'

/** `again` opens the same log as after a restart. */
const KINDS: Readonly<Record<string, (t: TestContext) => { files: AuditFiles; again: () => AuditFiles }>> = {
  memory: () => {
    const files = memoryFiles()
    return { files, again: () => memoryFiles(files.log.read(), files.heads.read()) }
  },
  file: (t) => {
    const path = join(temporaryDirectory(t), 'below', 'audit.log')
    return { files: auditFiles(path), again: () => auditFiles(path) }
  },
}

for (const [kind, make] of Object.entries(KINDS)) {
  test(`audit log, ${kind}: an act is there and signed when append returns; a log goes on after a stop (I10)`, (t) => {
    const { files, again } = make(t)
    const world = auditWorld()
    const log = world.open(files)
    log.append('key.made', { name: 'server-key-20532' })
    assert.deepEqual(actsOf(files), ['log.opened', 'parameters.inForce', 'key.made'])
    const [, , made] = verdictOf(files).entries
    assert.equal(made!.role, 'server')
    assert.equal(made!.at, world.clock.now)
    assert.deepEqual(made!.details, { name: 'server-key-20532' })
    assert.deepEqual(log.key, KEY)
    log.close()
    const reopened = again()
    const next = world.open(reopened)
    assert.deepEqual(actsOf(reopened).slice(3), ['server.stopped', 'parameters.inForce'])
    next.close()
  })

  test(`audit log, ${kind}: what the authority issues is an entry a day, with numbers when the day is over (T-39)`, (t) => {
    const { files } = make(t)
    const world = auditWorld()
    const log = world.open(files)
    for (let k = 0; k < 20; k++) {
      world.clock.now = later(world.clock.now, 60)
      log.issuing()
      log.issued(k % 4 === 0 ? 'resets' : 'codes')
      log.keep()
    }
    assert.deepEqual(actsOf(files).slice(2), ['authority.day'])
    world.clock.now = later(world.clock.now, DAY_SECONDS)
    log.keep()
    log.keep()
    const { entries } = verdictOf(files)
    assert.equal(entries.length, 4)
    const { day, ...numbers } = entries.at(-1)!.details
    assert.deepEqual(numbers, { codes: 15, resets: 5, verificationCodes: 0 })
    assert.deepEqual(entries[2]!.details, { day })
    log.issued('verificationCodes')
    log.close()
    assert.deepEqual(verdictOf(files).entries.at(-2)!.details['verificationCodes'], 1)
  })

  test(`audit log, ${kind}: refused callers are a number now and then; without any there is no entry`, (t) => {
    const { files } = make(t)
    const log = auditWorld().open(files)
    for (let k = 0; k < 1000; k++) log.refused()
    log.keep()
    log.keep()
    const { entries } = verdictOf(files)
    assert.deepEqual(entries.at(-1)!.details, { times: 1000 })
    assert.equal(entries.length, 3)
    log.close()
  })

  test(`audit log, ${kind}: a head is signed with each entry, and each hour without one`, (t) => {
    const { files } = make(t)
    const world = auditWorld()
    const log = world.open(files)
    const heads = () => verdictOf(files).heads
    assert.deepEqual(
      heads().map(({ size }) => size),
      [1, 2],
    )
    world.clock.now = later(world.clock.now, 3599)
    log.keep()
    assert.equal(heads().length, 2)
    world.clock.now = later(world.clock.now, 1)
    log.keep()
    assert.deepEqual([heads().length, heads().at(-1)!.size, heads().at(-1)!.at], [3, 2, world.clock.now])
    log.close()
  })

  test(`audit log, ${kind}: an act without a row, or a detail that its row does not name, is refused`, (t) => {
    const { files } = make(t)
    const log = auditWorld().open(files)
    const before = bytesOf(files)
    const wrong: readonly (readonly [string, object])[] = [
      ['phone.called', {}],
      ['toString', {}],
      ['key.made', { name: 'a', id: 7 }],
      ['key.made', {}],
      ['key.made', { name: 'a\nb' }],
      ['authorisation.refused', { times: 1.5 }],
      ['authorisation.refused', { times: -1 }],
      ['server.started', { setUp: 'short' }],
    ]
    for (const [act, details] of wrong) assert.throws(() => log.append(act as never, details as never), Malformed)
    assert.deepEqual(bytesOf(files), before)
    log.close()
  })

  test(`audit log, ${kind}: a line or a head that a crash tore is cut off, and an entry says so`, (t) => {
    const { files, again } = make(t)
    const world = auditWorld()
    world.open(files)
    files.log.append(ascii('{"sequence":2,"at":17'))
    files.heads.append(ascii('{"si'))
    assert.notEqual(verdictOf(files).fault, undefined)
    const reopened = again()
    world.open(reopened)
    assert.deepEqual(actsOf(reopened).slice(2), ['log.cut', 'parameters.inForce'])
    assert.deepEqual(verdictOf(reopened).entries[2]!.details, { entryBytes: 21, headBytes: 4 })
  })

  test(`audit log, ${kind}: entries that nobody signed are found by the next start, and an entry names them (T-70)`, (t) => {
    const { files, again } = make(t)
    const world = auditWorld()
    const log = world.open(files)
    const headsBefore = files.heads.read().length
    log.append('key.made', { name: 'a' })
    log.append('key.made', { name: 'b' })
    files.heads.cut(headsBefore)
    assert.deepEqual(verdictOf(files).fault, { kind: 'unsigned', entry: 2 })
    const reopened = again()
    world.open(reopened)
    assert.deepEqual(actsOf(reopened).slice(4), ['log.unsigned', 'parameters.inForce'])
    assert.deepEqual(verdictOf(reopened).entries[4]!.details, { first: 2, entries: 2 })
  })

  test(`audit log, ${kind}: one that was tampered with is not gone on with, and left as it is (T-70)`, (t) => {
    const { files, again } = make(t)
    const world = auditWorld()
    world.open(files).append('key.destroyed', { name: 'server-key-1' })
    files.log.cut(files.log.read().length - 1)
    const before = bytesOf(files)
    assert.throws(() => world.open(again()), /^AuditError: the audit log was tampered with \(truncated, entry 2\)/)
    assert.deepEqual(bytesOf(files), before)
  })
}

test('an act that cannot be logged throws, and the log stands where it stood; it goes on when there is room again', () => {
  const files = memoryFiles()
  let full = false
  const log = auditWorld().open({
    ...files,
    log: {
      ...files.log,
      append(bytes) {
        if (full) throw new Error('no space left')
        files.log.append(bytes)
      },
    },
  })
  full = true
  assert.throws(() => log.append('key.made', { name: 'a' }), AuditError)
  full = false
  log.append('key.made', { name: 'b' })
  assert.deepEqual(verdictOf(files).entries.at(-1)!.details, { name: 'b' })
})

test('the file of an audit log is open to nobody but its owner and group; a second writer is noticed', (t) => {
  const path = join(temporaryDirectory(t), 'audit.log')
  const log = auditWorld().open(auditFiles(path))
  assert.equal(statSync(path).mode & 0o137, 0)
  assert.equal(statSync(headsPath(path)).mode & 0o137, 0)
  const size = statSync(path).size
  appendFileSync(path, 'x\n')
  assert.throws(() => log.append('key.made', { name: 'a' }), AuditError)
  truncateSync(path, size)
  log.append('key.made', { name: 'a' })
  log.close()
})

test('an audit log whose key is another one is not gone on with', (t) => {
  const path = join(temporaryDirectory(t), 'audit.log')
  const world = auditWorld()
  world.open(auditFiles(path)).close()
  const heads = readFileSync(headsPath(path), 'latin1')
  writeFileSync(headsPath(path), heads.replaceAll(/"key":"04../g, '"key":"0400'))
  assert.throws(() => world.open(auditFiles(path)), /tampered with \(head, head 0\)/)
})

// Which acts of a back-end are in its audit log, that each is there before it takes effect, and what never is.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DAY_SECONDS, later, toHex } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import type { ActName } from '../src/audit/entry.ts'
import { headsPath } from '../src/audit/file-log.ts'
import { AuditError, type AuditLog, NO_AUDIT } from '../src/audit/log.ts'
import { verifyLog } from '../src/audit/verify.ts'
import { DEFAULT_SETTINGS } from '../src/deps.ts'
import { dispatch, statusOf } from '../src/dispatch.ts'
import { memoryFiles as memoryExports } from '../src/export-files.ts'
import { exportKeys } from '../src/flows/key-server/export.ts'
import { processContacts } from '../src/flows/process-contacts.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import { type KeyFiles, memoryKeys } from '../src/keys/key-files.ts'
import { serve } from '../src/main.ts'
import { runJobs } from '../src/run-jobs.ts'
import { auditWorld, bytesOf, memoryFiles, verdictOf } from './audit-fixture.ts'
import {
  AUTHORITY,
  backEnd,
  itemOf,
  NOON,
  pass,
  registerPhone,
  TODAY,
  temporaryDirectory,
  withToken,
} from './fixture.ts'

/** Fails for the acts of one name, as a full disk does. */
const failingFor = (act: ActName, log: AuditLog): AuditLog => ({
  ...log,
  append(name, details) {
    if (name === act) throw new AuditError('the audit log cannot be written')
    log.append(name, details)
  },
})

async function audited(t: TestContext, wrap: (log: AuditLog) => AuditLog = (log) => log, keyFiles?: KeyFiles) {
  const files = memoryFiles()
  const world = auditWorld()
  const audit = wrap(world.open(files))
  const server = await backEnd(t, { audit, ...(keyFiles && { keyFiles }), parameters: { poolWindow: 0 } })
  const entriesOf = (act: ActName) => verdictOf(files).entries.filter((entry) => entry.act === act)
  return { server, files, world, audit, entriesOf }
}

const contagious = { contagiousFrom: later(NOON, -2 * DAY_SECONDS), contagiousTo: NOON }

test('every key but those of intake is logged before it is made, and each before it is destroyed (I10)', async (t) => {
  const kept = memoryKeys()
  const files = memoryFiles()
  const said = (act: ActName) => verdictOf(files).entries.filter((entry) => entry.act === act)
  const watching: KeyFiles = {
    ...kept,
    create(name, bytes) {
      assert.ok(name.startsWith('intake-') || said('key.made').some(({ details }) => details['name'] === name), name)
      return kept.create(name, bytes)
    },
    remove(name) {
      assert.ok(
        said('key.destroyed').some(({ details }) => details['name'] === name),
        name,
      )
      kept.remove(name)
    },
  }
  const server = await backEnd(t, {
    audit: auditWorld().open(files),
    keyFiles: watching,
    parameters: { poolWindow: 0 },
  })
  const phone = await registerPhone(server, 'phone')
  await server.call('upload', withToken(server, itemOf(server, phone, NOON), TODAY))
  pass(server, DAY_SECONDS)
  await processContacts(server.deps, server.clock.now)
  pass(server, 30 * DAY_SECONDS)
  await keepServerKeys(server.deps, server.clock.now)
  const destroyed = said('key.destroyed').map(({ details }) => String(details['name']))
  assert.equal(destroyed.filter((name) => name.startsWith('intake-')).length, 1)
  assert.ok(destroyed.includes(`server-key-${TODAY}`))
  assert.ok(!said('key.made').some(({ details }) => String(details['name']).startsWith('intake-')))
})

test('a key whose end cannot be logged is not destroyed, and one whose making cannot is not made', async (t) => {
  const keyFiles = memoryKeys()
  const { server } = await audited(t, (log) => failingFor('key.destroyed', log), keyFiles)
  await assert.rejects(keepServerKeys(server.deps, pass(server, 30 * DAY_SECONDS)), AuditError)
  assert.notEqual(keyFiles.read(`server-key-${TODAY}`), undefined)
  await assert.rejects(
    audited(t, (log) => failingFor('key.made', log), memoryKeys()),
    AuditError,
  )
})

test('the authority issues nothing that cannot be logged: 503 and no code', async (t) => {
  const { server } = await audited(t, (log) => ({
    ...log,
    issuing: () => failingFor('authority.day', NO_AUDIT).append('authority.day', { day: 1 }),
  }))
  await assert.rejects(server.asAuthority('issueCode', contagious), AuditError)
  assert.deepEqual(statusOf(new AuditError('x')), { status: 503, body: { error: 'audit' } })
  assert.ok(!server.statements.includes('addCode'))
})

test('codes and reset tokens are numbers of a day, refused callers numbers; the log holds nothing of either (T-56)', async (t) => {
  const { server, files, world, audit, entriesOf } = await audited(t)
  const codes = [await server.asAuthority('issueCode', contagious), await server.asAuthority('issueCode', contagious)]
  const { token } = await server.asAuthority('issueReset', { testedAt: later(NOON, -3600) })
  for (const authorization of [undefined, 'Bearer canary', `${AUTHORITY}x`]) {
    await assert.rejects(dispatch(server.deps, 'issueCode', {}, authorization, NOON))
  }
  assert.equal(entriesOf('authority.day').length, 1)
  world.clock.now = later(world.clock.now, DAY_SECONDS)
  audit.keep()
  const { day, ...issued } = entriesOf('authority.issued')[0]!.details
  assert.deepEqual([day, issued], [TODAY, { codes: 2, resets: 1, verificationCodes: 0 }])
  assert.deepEqual(entriesOf('authorisation.refused')[0]!.details, { times: 3 })
  const text = Buffer.from(bytesOf(files).log).toString('latin1')
  for (const secret of ['canary', toHex(token), ...codes.map(({ code }) => String(code))]) {
    assert.ok(!text.includes(secret))
  }
})

test('an export is logged with its SHA-256 before it is there; one that cannot be logged is not there', async (t) => {
  const exportFiles = memoryExports()
  const { server, entriesOf, audit } = await audited(t)
  const at = later(NOON, DAY_SECONDS)
  const broken = { ...server.deps, exportFiles: memoryExports(), audit: failingFor('export.signed', audit) }
  await assert.rejects(exportKeys(broken, at), AuditError)
  assert.deepEqual(await broken.exportFiles.list(), [])
  await exportKeys({ ...server.deps, exportFiles }, at)
  const archives = (await exportFiles.list()).filter((name) => name.endsWith('.zip'))
  assert.ok(archives.length > 0)
  const digests = await Promise.all(archives.map(async (name) => toHex(sha256((await exportFiles.read(name))!))))
  assert.deepEqual(
    entriesOf('export.signed')
      .map(({ details }) => details['digest'])
      .sort(),
    digests.sort(),
  )
})

test('a step of the clock is logged once (T-45)', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { server, entriesOf } = await audited(t)
  const deps = { ...server.deps, clockIsSteady: () => false }
  const stop = runJobs(deps, () => server.clock.now)
  for (let k = 0; k < 3; k++) {
    t.mock.timers.tick(1000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await stop()
  assert.equal(entriesOf('clock.stepped').length, 1)
})

test('a back-end logs its starts with its set-up, its stops, and the set of parameters in force', async (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'audit.log')
  const options = {
    settings: DEFAULT_SETTINGS,
    store: `sqlite:${join(directory, 'database')}`,
    keys: join(directory, 'keys'),
    audit: path,
    host: '127.0.0.1',
    port: 0,
    threads: 0,
  }
  for (let k = 0; k < 2; k++) await (await serve(options)).close()
  const parameters = { ...DEFAULT_SETTINGS.parameters, pollInterval: DEFAULT_SETTINGS.parameters.pollInterval - 60 }
  const last = await serve({ ...options, settings: { ...DEFAULT_SETTINGS, parameters } })
  await last.close()
  const { entries, fault } = verifyLog(
    { log: readFileSync(path), heads: readFileSync(headsPath(path)) },
    { key: last.deps.audit.key },
  )
  assert.equal(fault, undefined)
  const of = (act: ActName) => entries.filter((entry) => entry.act === act)
  assert.equal(new Set(of('server.started').map(({ details }) => details['setUp'])).size, 1)
  assert.equal(of('server.started').length, 3)
  assert.equal(of('server.stopped').length, 3)
  const [first, second, third] = of('parameters.inForce').map(({ details, parameters: version }) => [details, version])
  assert.deepEqual(first, second)
  assert.notDeepEqual(second, third)
  assert.equal(entries.at(-1)!.act, 'server.stopped')
  // Each key of the directory has its entry, but the one that signs the log itself.
  const made = of('key.made').map(({ details }) => details['name'])
  for (const name of readdirSync(options.keys)) assert.ok(name === 'audit' || made.includes(name), name)
})

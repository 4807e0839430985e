import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { postgresPrograms, startThrowaway } from '../../server/src/store/throwaway.ts'
import { type Config, configOf } from '../src/config.ts'
import { examine } from '../src/doctor.ts'
import { CHECKS } from '../src/doctor-checks.ts'
import { run, start } from './command.ts'

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** What the doctor says of one thing. */
async function said(check: string, options: Partial<Config>): Promise<string> {
  const found = await examine(configOf(undefined, { port: 0, ...options }), false)
  return found
    .filter((each) => each.check === check)
    .map(({ state, text }) => `${state}: ${text}`)
    .join('\n')
}

test('doctor: a fresh machine is fit, every check has a line, and nothing is changed by looking', async (t) => {
  const data = join(directoryOf(t), 'data')
  const { code, out } = await run(['doctor', '--data', data, '--port', '0', '--json'])
  assert.equal(code, 0)
  const found = JSON.parse(out) as { check: string; state: string; text: string }[]
  assert.deepEqual([...new Set(found.map(({ check }) => check))], Object.keys(CHECKS))
  assert.deepEqual(
    found.filter(({ state }) => state === 'fail'),
    [],
  )
  assert.throws(() => readFileSync(data), /ENOENT/)
})

test('doctor: looks at a back-end that runs, and finds its log, its version and its keys in order', async (t) => {
  const data = directoryOf(t)
  const server = start(['serve', '--data', data, '--port', '0', '--threads', '0'])
  t.after(() => server.child.kill('SIGKILL'))
  await server.prints(/health\/ready/)
  const { code, out } = await run(['doctor', '--data', data, '--running'])
  assert.equal(code, 0, out)
  assert.match(out, /^ok {4}keys .*nobody else looks into it$/m)
  assert.match(out, /^ok {4}store +SQLite: version \d+$/m)
  assert.match(out, /^ok {4}audit log +\d+ entries, as they were written$/m)
})

test('doctor: says what has to be mended, and ends with 1', async (t) => {
  const data = directoryOf(t)
  const keys = join(data, 'keys')
  mkdirSync(keys)
  chmodSync(keys, 0o755)
  assert.match(await said('keys', { data }), /^fail: .*others may look into it: chmod 700$/)

  const newer = new DatabaseSync(join(data, 'vicinity.db'))
  newer.exec(
    'create table last_time(at integer); insert into last_time values (99999999999); pragma user_version = 999',
  )
  newer.close()
  assert.match(
    await said('store', { data }),
    /^fail: SQLite: version 999, this program knows \d+: use a newer program$/,
  )
  assert.match(await said('clock', { data }), /^fail: it is behind the time when the back-end last ran/)
  assert.match(await said('durability', { data, durability: 'strict' }), /^fail: .*needs PostgreSQL/)
  assert.match(await said('configuration', { data, tlsKey: 'a' }), /^fail: .*give both, or none$/)

  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  assert.match(await said('ports', { data, port }), /^fail: 127\.0\.0\.1 \d+ is taken/)
  assert.match(await said('ports', { data, host: '192.0.2.1' }), /^fail: 192\.0\.2\.1 0 is no address of this machine/)

  const audit = join(data, 'audit.log')
  writeFileSync(audit, '{"sequence":0}\n')
  assert.match(await said('audit log', { data }), /^(fail|warn): /)
  const { code, out } = await run(['doctor', '--data', data, '--port', '0'])
  assert.equal(code, 1)
  assert.match(out, /^fail {2}keys/m)
})

test('doctor: tells in days when the certificate ends', async (t) => {
  const data = directoryOf(t)
  const [tlsCertificate, tlsKey] = [join(data, 'a.pem'), join(data, 'a.key')]
  const make = (days: number) =>
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=a'].concat([
        '-days',
        String(days),
        '-keyout',
        tlsKey,
        '-out',
        tlsCertificate,
      ]),
      { stdio: 'pipe' },
    )
  for (const [days, state] of [
    [2, /^fail: it ends in [12] days/],
    [20, /^warn: it ends in (19|20) days/],
    [90, /^ok: it ends in (89|90) days/],
  ] as const) {
    make(days)
    assert.match(await said('certificate', { data, tlsCertificate, tlsKey }), state)
  }
})

const WITHOUT = postgresPrograms() === undefined && !process.env['CI']

test('doctor: a PostgreSQL that may lose commits, or has no standby, is found', async (t) => {
  if (WITHOUT) return t.diagnostic('no PostgreSQL 15 or later on this machine')
  const cluster = await startThrowaway()
  t.after(cluster.stop)
  const store = `${cluster.url.replace('postgres:///', 'postgres://localhost/')}`
  const found = await said('durability', { store, durability: 'strict' })
  assert.match(found, /^fail: fsync is off/m)
  assert.match(found, /^fail: full_page_writes is off/m)
  assert.match(found, /^warn: wal_compression is/m)
  assert.match(found, /^fail: no synchronous standby streams/m)
  assert.match(await said('store', { store }), /^ok: PostgreSQL \d+: nothing there yet/)
  assert.match(await said('clock', { store }), /^ok: that of the database says the same$/)
  assert.match(
    await said('store', { store: 'postgres://nobody@127.0.0.1:1/none' }),
    /^fail: PostgreSQL cannot be reached/,
  )
})

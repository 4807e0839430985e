import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CONFIG, type Config, configOf, optionOf, optionsOf, readConfig, shownConfig } from '../src/config.ts'
import { unsafeSettings } from '../src/production.ts'
import { serveOptions } from '../src/serve.ts'
import { ROOT, run } from './command.ts'

function fileOf(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'vicinity.jsonc')
  writeFileSync(path, text)
  return path
}

function withEnvironment(t: TestContext, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name]
    process.env[name] = value
    t.after(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}

test('defaults give way to the file, and the file to the command', (t) => {
  const file = fileOf(t, '{\n  // a remark\n  "port": 9000, "region": "DE", "parameters": { "codeDays": 5 }\n}')
  const config = configOf(file, optionsOf({ port: '9001', production: true, unknownToUs: 'x' }))
  assert.deepEqual([config.port, config.region, config.production], [9001, 'DE', true])
  assert.deepEqual([config.host, config.role], ['127.0.0.1', 'all'])
  assert.equal(serveOptions({ ...config, production: false }).settings.parameters.codeDays, 5)
})

test('a file that is wrong is refused with its path, the field, and what it has to be', (t) => {
  for (const [text, words] of [
    ['{ "prot": 1 }', /prot: no such field: see vicinity serve --help$/],
    ['{ "__proto__": 1 }', /__proto__: no such field/],
    ['{ "port": "8080" }', /port: an integer from 0 to 65535$/],
    ['{ "role": "both" }', /role: one of all, front, worker$/],
    ['{ "production": 1 }', /production: true or false$/],
    ['{ "parameters": { "codeDays": 99 } }', /parameters: parameter codeDays: an integer from 1 to 14 d is needed$/],
    ['{ "parameters": { "none": 1 } }', /parameters: parameter none: there is none of this name$/],
    ['[]', /file: an object$/],
    ['{ "port": 80', /is no JSON$/],
  ] as const) {
    const path = fileOf(t, text)
    assert.throws(
      () => readConfig(path),
      (error: Error) => error.name === 'UsageError' && error.message.startsWith(path) && words.test(error.message),
      text,
    )
  }
  assert.throws(() => readConfig('none.json'), /none\.json cannot be read/)
})

test('every field has an option that takes what the file takes', () => {
  for (const [name, { value }] of Object.entries(CONFIG)) {
    if (value === undefined || value === false) continue
    assert.deepEqual(optionsOf({ [name]: String(value) }), { [name]: value }, optionOf(name))
  }
  assert.throws(() => optionsOf({ port: '1e3' }), /^UsageError: --port: an integer/)
  assert.throws(() => optionsOf({ metricsPort: '65536' }), /--metrics-port: an integer from 0 to 65535/)
})

test('what is shown of a configuration holds no secret', (t) => {
  const secret = 'kWzs8Rk1-secret-of-the-test'
  const directory = fileOf(t, secret)
  withEnvironment(t, { VICINITY_AUTHORITY_TOKEN: secret, VICINITY_ADMIN_API_KEY_FILE: directory, PGPASSWORD: secret })
  for (const store of [
    `postgres://me:${secret}@here/db`,
    `postgres://me@here/db?password=${secret}`,
    `postgres://me:${secret}@`,
  ]) {
    const shown = shownConfig(configOf(undefined, { store }))
    assert.ok(!shown.includes(secret), store)
    assert.match(
      shown,
      /"VICINITY_AUTHORITY_TOKEN": "set",\s+"VICINITY_ADMIN_API_KEY": "set",\s+"VICINITY_DEVICE_API_KEY": "not set"/,
    )
  }
  const { settings } = serveOptions(configOf(undefined, {}))
  assert.deepEqual([settings.authorityToken, settings.gaen.verification.adminApiKey], [secret, secret])
})

const SAFE: Partial<Config> = {
  vault: 'pkcs11:token=vicinity?module-path=libsofthsm2.so',
  production: true,
  store: 'postgres://me@db.internal/vicinity?sslmode=verify-full',
  host: '0.0.0.0',
  behindProxy: true,
}

test('production refuses, all at once, what is only fit for trying out, and says what to do', (t) => {
  const safe = configOf(undefined, SAFE)
  assert.deepEqual(unsafeSettings(safe), [])
  for (const [changed, words] of [
    [{ vault: undefined }, /^vault: the keys lie in the open/],
    [{ vault: 'file:/etc/vicinity/vault' }, /^vault: a file can be copied/],
    [{ replyGrid: 0 }, /^replyGrid: 0 lets the time/],
    [{ behindProxy: false }, /^host: a public address without TLS/],
    [{ store: 'sqlite::memory:' }, /^store: it ends with the process/],
    [{ store: 'postgres:throwaway' }, /^store: it ends with the process/],
    [{ store: 'sqlite:a.db?synchronous=normal' }, /^store: synchronous=normal loses/],
    [{ store: 'postgres://me:secret@localhost/db' }, /^store: the password stands in the address/],
    [{ store: 'postgres://me@db.internal/db' }, /^store: PostgreSQL over a network/],
    [{ parameters: { proofOfWork: 8 } }, /^parameters: proofOfWork/],
    [{ parameters: { poolWindow: 0 } }, /^parameters: poolWindow/],
  ] as const) {
    const found = unsafeSettings({ ...safe, ...(changed as Partial<Config>) })
    assert.equal(found.length, 1, JSON.stringify(changed))
    assert.match(found[0]!, words)
    assert.ok(!found[0]!.includes('secret'))
  }
  assert.deepEqual(unsafeSettings({ ...safe, vault: 'file:/etc/vicinity/vault', allowFileVault: true }), [])
  withEnvironment(t, { VICINITY_AUTHORITY_TOKEN: 'short' })
  assert.match(unsafeSettings(safe)[0]!, /^VICINITY_AUTHORITY_TOKEN: shorter than 24/)
  assert.throws(
    () => serveOptions({ ...safe, behindProxy: false }),
    /production refuses\n {2}host: .*\n {2}VICINITY_AUTHORITY_TOKEN/s,
  )
  assert.throws(() => serveOptions({ ...safe, production: false, tlsKey: 'a.pem' }), /give both, or none/)
})

test('the example is a configuration, and one that production takes', () => {
  const config = configOf(`${ROOT}examples/vicinity.jsonc`, {})
  assert.equal(config.production, true)
  assert.deepEqual(unsafeSettings(config), [])
})

test('serve prints the configuration in force and ends, and starts nothing that production refuses', async (t) => {
  const file = fileOf(t, '{ "region": "DE" }')
  const printed = await run(['serve', '--config', file, '--port', '1', '--print-config'])
  assert.equal(printed.code, 0)
  const { region, port } = JSON.parse(printed.out)
  assert.deepEqual([region, port], ['DE', 1])
  const refused = await run(['serve', '--config', file, '--production', '--store', 'sqlite::memory:'])
  assert.equal(refused.code, 1)
  assert.match(
    refused.error,
    /^vicinity: production refuses\n {2}vault: the keys lie in the open.*\n {2}store: it ends with the process/,
  )
})

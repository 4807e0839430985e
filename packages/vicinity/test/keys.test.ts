// The ceremony as whoever runs it sees it: one plan, a transcript to sign, no secret on any screen.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { directoryKeys, openKeys, openVault, placeOfVault } from '@vicinity/server'
import { start } from './command.ts'

const PASSPHRASE = 'a passphrase of tests'
const MAKE = [
  ...['registration', 'audit', 'export-key-v1', 'key-encryption', 'federation', 'vault', 'draw', 'backup', 'tombstone'],
  ...['issuer', 'reply', 'challenge', 'reset'],
]

function ceremonyIn(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const paths = {
    vault: join(directory, 'vault'),
    keys: join(directory, 'keys'),
    audit: join(directory, 'ceremony.log'),
  }
  const plan = join(directory, 'plan.json')
  const text = {
    service: 'a service of tests',
    vault: `file:${paths.vault}`,
    keys: paths.keys,
    audit: paths.audit,
    bundleDays: 4,
    exportVersions: ['v1'],
    make: MAKE,
    shares: { needed: 2, holders: ['first', 'second', 'third'] },
  }
  writeFileSync(plan, JSON.stringify(text))
  const run = (
    args: readonly string[],
    environment: Readonly<Record<string, string>> = { VICINITY_PASSPHRASE: PASSPHRASE },
  ) => start(['keys', ...args, '--plan', plan], directory, environment).ended
  const openFiles = () => {
    const place = placeOfVault(text.vault)
    const now = () => 0
    return openKeys(paths.keys, openVault(place, { secret: PASSPHRASE, random: () => new Uint8Array(12), now }))
  }
  return { ...paths, directory, plan, text, run, openFiles }
}

test('vicinity keys: a rehearsal leaves nothing; init, status, rotate and shares do, and no secret is printed', async (t) => {
  const { directory, run, vault, openFiles, audit } = ceremonyIn(t)
  const rehearsed = await run(['init', '--dry-run'], {})
  assert.equal(rehearsed.code, 0, rehearsed.error)
  assert.match(rehearsed.out, /a rehearsal: these keys were thrown away/)
  assert.deepEqual(readdirSync(directory), ['plan.json'])

  const made = await run(['init'])
  assert.equal(made.code, 0, made.error)
  assert.match(made.out, /registration\n {4}public key {3}04[0-9a-f]{128}\n {4}fingerprint {2}[0-9a-f]{64}\n/)
  assert.notEqual(made.out.match(/04[0-9a-f]{128}/)![0], rehearsed.out.match(/04[0-9a-f]{128}/)![0])
  assert.equal((statSync(vault).mode & 0o777).toString(8), '600')

  const entries = readFileSync(audit, 'utf8')
  const status = await run(['status', '--json'])
  assert.equal(readFileSync(audit, 'utf8'), entries, 'who looks leaves no entry')
  assert.equal(status.code, 0, status.error)
  assert.equal(JSON.parse(status.out).ok, true)

  const rotated = await run(['rotate', 'data'])
  assert.match(rotated.out, /^vault-2 is there/)
  const shares = await run(['export-shares', 'vault-2', '--out', join(directory, 'shares')])
  assert.equal(shares.code, 0, shares.error)
  assert.deepEqual(readdirSync(join(directory, 'shares')), [
    'vault-2.first.share',
    'vault-2.second.share',
    'vault-2.third.share',
  ])

  const files = openFiles()
  const secrets = files.names().map((name) => files.read(name)!)
  const lost = Buffer.from(files.read('vault-2')!).toString('hex')
  files.remove('vault-2')
  const given = ['first', 'third'].map((holder) => join(directory, 'shares', `vault-2.${holder}.share`))
  const combined = await run(['combine-shares', ...given])
  assert.equal(combined.code, 0, combined.error)
  assert.equal(Buffer.from(openFiles().read('vault-2')!).toString('hex'), lost)

  const printed = [rehearsed, made, status, rotated, shares, combined].map(({ out, error }) => out + error).join()
  const log = readFileSync(audit, 'utf8')
  for (const form of ['hex', 'base64', 'base64url'] as const)
    for (const secret of [...secrets, Buffer.from(PASSPHRASE)])
      assert.ok(!(printed + log).includes(Buffer.from(secret).toString(form)))
  assert.ok(!(printed + log).includes(PASSPHRASE))
  assert.equal((await start(['audit', 'verify', audit]).ended).code, 0)
})

test('vicinity keys: a wrong passphrase, none, a plan with another field and an unconfirmed end change nothing, and say why', async (t) => {
  const { run, plan, text, directory: home } = ceremonyIn(t)
  assert.equal((await run(['init'])).code, 0)
  const directory = directoryKeys(text.keys)
  const before = [...directory.names()].sort()
  const wrong = await run(['status'], { VICINITY_PASSPHRASE: 'canary of a passphrase' })
  assert.equal(wrong.code, 1)
  assert.match(wrong.error, /does not open: a wrong passphrase, or damaged/)
  assert.ok(!wrong.error.includes('canary'))
  const none = await run(['status'], { VICINITY_PASSPHRASE: '' })
  assert.match(none.error, /VICINITY_PASSPHRASE or VICINITY_PASSPHRASE_FILE must open the vault/)
  const secretFile = join(home, 'passphrase')
  writeFileSync(secretFile, `${PASSPHRASE}\n`, { mode: 0o600 })
  assert.equal((await run(['status'], { VICINITY_PASSPHRASE_FILE: secretFile })).code, 0)
  const unconfirmed = await run(['destroy', 'federation'])
  assert.match(unconfirmed.error, /nothing was destroyed/)
  assert.deepEqual([...directory.names()].sort(), before)
  writeFileSync(plan, JSON.stringify({ ...text, passphrase: 'in the plan' }))
  const refused = await run(['status'])
  assert.equal(refused.code, 1)
  assert.match(refused.error, /plan\.passphrase/)
})

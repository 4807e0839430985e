// The catalogue of keys: every key that the back-end makes has one row, and what has to end is in no copy.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DAY_SECONDS } from '@vicinity/protocol'
import { memoryFiles as memoryExports } from '../src/export-files.ts'
import { exportKeys, exportVerificationKeys } from '../src/flows/key-server/export.ts'
import { keepVerification } from '../src/flows/verification/keep-verification.ts'
import { backupKey } from '../src/keys/backup-key.ts'
import { CATALOGUE, ceremonyNames, escrowNames, rowOf } from '../src/keys/catalogue.ts'
import { raiseGeneration } from '../src/keys/generation.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import { backEnd, itemOf, NOON, pass, randomOf, registerPhone, TODAY, withToken } from './fixture.ts'

const SOURCES = fileURLToPath(new URL('../src/', import.meta.url))

/** Names that source text gives to what makes keys: literals as they are, templates with a 1 for each value. */
function namesIn(text: string): string[] {
  const calls =
    /(?:\bcreate|\bmake|#kept|#setUp|\bkept|\bofGeneration|\bpublicPoint|\bsign)\(\s*(?:'([^']+)'|`([^`]+)`)/g
  return [...text.matchAll(calls)].map(([, literal, template]) => literal ?? template!.replace(/\$\{[^}]*\}/g, '1'))
}

test('every name of a key in the source has a row, and only one', () => {
  const texts = globSync('**/*.ts', { cwd: SOURCES }).map((path) => readFileSync(join(SOURCES, path), 'utf8'))
  const names = new Set(texts.flatMap(namesIn))
  for (const name of ['registration', 'federation', 'server-key-1', 'intake-1', 'audit', 'backup', 'export-key-1'])
    assert.ok(names.has(name), `the search finds ${name}`)
  for (const name of names) {
    const rows = CATALOGUE.filter(({ pattern }) => pattern.test(name))
    assert.equal(rows.length, 1, name)
  }
})

test('every key that a back-end makes in its life has a row, and each row but those of the ceremony is used', async (t) => {
  const [kept, made] = [memoryKeys(), new Set<string>()]
  const keyFiles = {
    ...kept,
    create(name: string, bytes: Uint8Array) {
      made.add(name)
      return kept.create(name, bytes)
    },
  }
  const server = await backEnd(t, { keyFiles, parameters: { poolWindow: 0 } })
  const phone = await registerPhone(server, 'phone')
  await server.call('upload', withToken(server, itemOf(server, phone, NOON), TODAY))
  await keepVerification(server.deps, server.clock.now)
  server.deps.rotatingKeys.rotate(server.clock.now)
  exportVerificationKeys(server.deps)
  await exportKeys({ ...server.deps, exportFiles: memoryExports() }, pass(server, DAY_SECONDS))
  server.deps.gaenKeys.paddingKey()
  server.deps.audit.keep()
  raiseGeneration(keyFiles, 1)
  backupKey(keyFiles, randomOf('backup'))
  for (const name of made) assert.notEqual(rowOf(name), undefined, name)
  const unused = CATALOGUE.filter(
    ({ pattern, madeBy }) => madeBy === 'back-end' && ![...made].some((name) => pattern.test(name)),
  )
  assert.deepEqual(
    unused.map(({ name }) => name),
    [],
  )
})

test('what has to end is never in escrow: K_S, intake keys, keys that rotate, issuers, and what lies in the vault', () => {
  for (const { name, lies, escrow } of CATALOGUE)
    if (lies === 'vault' || /-N$/.test(name)) assert.equal(escrow, false, name)
  assert.deepEqual(
    escrowNames([
      'registration',
      ...ceremonyNames(['v1']),
      `server-key-${TODAY}`,
      'intake-7',
      'vault-2',
      'token-9',
      'none',
    ]),
    ['federation', 'vault', 'draw', 'backup', 'tombstone', 'vault-2'],
  )
})

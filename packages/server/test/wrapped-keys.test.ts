// Key files that a vault wraps: on their own they open nothing, and each opens under its own name only.
import assert from 'node:assert/strict'
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { toHex } from '@vicinity/protocol'
import { makeKeys } from '../src/keys/ceremony.ts'
import { directoryKeys, memoryKeys } from '../src/keys/key-files.ts'
import { KeyRing } from '../src/keys/key-ring.ts'
import { openKeys, plainNames, wrappedKeys } from '../src/keys/wrapped-keys.ts'
import { plainVault, softwareVault } from '../src/vault/software.ts'
import { ceremonyWorld, planOf } from './ceremony-fixture.ts'
import { randomOf, TODAY, temporaryDirectory } from './fixture.ts'
import { faults } from './vault-contract.ts'

function vaultWithKey(seed = 'vault') {
  const vault = softwareVault(memoryKeys(), randomOf(seed))
  vault.make('key-encryption', 'wrapping')
  return vault
}

test('a wrapped key comes back, is not among the bytes of its file, and does not open under another name (T-57)', (t) => {
  const directory = join(temporaryDirectory(t), 'keys')
  const keys = openKeys(directory, vaultWithKey())
  const secret = randomOf('secret')(32)
  assert.deepEqual([...keys.create('federation', secret)], [...secret])
  assert.deepEqual([...keys.read('federation')!], [...secret])
  assert.deepEqual(
    [...keys.create('federation', randomOf('other')(32))],
    [...secret],
    'who comes second gets the first',
  )
  for (const name of readdirSync(directory))
    assert.ok(!readFileSync(join(directory, name)).includes(Buffer.from(secret)))
  // Who can write to the directory cannot make one key serve as another.
  copyFileSync(join(directory, 'federation'), join(directory, 'challenge'))
  assert.throws(() => keys.read('challenge'), faults('damaged'))
  assert.throws(
    () => wrappedKeys(directoryKeys(directory), vaultWithKey('another')).read('federation'),
    faults('damaged'),
  )
  assert.equal(keys.read('none'), undefined)
})

test('keys in the open are refused with a vault, and wrapped ones without: the words say what to do', (t) => {
  const [open, wrapped] = [join(temporaryDirectory(t), 'open'), join(temporaryDirectory(t), 'wrapped')]
  openKeys(open, undefined).create('federation', randomOf('secret')(32))
  assert.throws(() => openKeys(open, vaultWithKey()), /vicinity keys init --adopt/)
  openKeys(wrapped, vaultWithKey()).create('federation', randomOf('secret')(32))
  assert.throws(() => openKeys(wrapped, undefined), /are wrapped: say with which vault/)
  // Also one that somebody puts there later.
  directoryKeys(wrapped).create('server-key-1', randomOf('planted')(24))
  assert.throws(() => openKeys(wrapped, vaultWithKey()).read('server-key-1'), faults('refused'))
})

test('a back-end finds the same keys after they were taken into a vault, and none lies in the open any more', (t) => {
  const directory = join(temporaryDirectory(t), 'keys')
  const describe = (ring: KeyRing) => {
    const { publicKey, federationKey, dataKey, issuerKey, replyKey, challengeKey, drawKey, resetKey } = ring
    return [publicKey, federationKey, dataKey.key, issuerKey, replyKey, challengeKey, drawKey, resetKey].map((key) =>
      toHex(key),
    )
  }
  const before = new KeyRing(directoryKeys(directory), randomOf('before'))
  before.keepServerKeys(TODAY, TODAY + 6, TODAY)
  const plain = plainVault(directoryKeys(directory), randomOf('plain'))
  const points = ['audit', 'export-key-v1'].map((name) => toHex(plain.publicPoint(name)))
  const world = ceremonyWorld({ files: directoryKeys(directory) })
  assert.throws(() => makeKeys(world, planOf(), { adopt: false }), /--adopt/)
  assert.throws(() => openKeys(directory, world.vault), faults('refused'))
  makeKeys(world, planOf(), { adopt: true })
  assert.deepEqual(plainNames(world.files), [])
  assert.ok(!world.files.names().includes('registration'), 'what the vault has needs no file')
  const after = new KeyRing(openKeys(directory, world.vault), randomOf('after'), world.vault)
  assert.deepEqual(describe(after), describe(before))
  // Its log goes on under the same key, and phones trust its exports as before.
  assert.deepEqual(
    ['audit', 'export-key-v1'].map((name) => toHex(world.vault.publicPoint(name))),
    points,
  )
  for (const name of ['audit', 'export-key-v1']) assert.ok(!readdirSync(directory).includes(name))
  const [old, now] = [before.contactSecrets(new Uint8Array(32)), after.contactSecrets(new Uint8Array(32))]
  assert.deepEqual([toHex(now.secrets), now.days], [toHex(old.secrets), old.days])
  makeKeys(world, planOf(), { adopt: false })
})

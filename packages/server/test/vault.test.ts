import assert from 'node:assert/strict'
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { drawPrivateKey } from '@vicinity/protocol/crypto'
import { memoryKeys } from '../src/keys/key-files.ts'
import { tokenVault } from '../src/vault/pkcs11.ts'
import { makeSealedFile, sealedFileKeys } from '../src/vault/sealed-file.ts'
import { softwareVault } from '../src/vault/software.ts'
import { VaultError } from '../src/vault/vault.ts'
import { randomOf, temporaryDirectory } from './fixture.ts'
import { PIN, softHsm, withoutToken } from './softhsm.ts'
import { faults, NOW, vaultContract } from './vault-contract.ts'

const skip = withoutToken

const PASSPHRASE = 'a passphrase of tests'
/** Low, so that tests are quick. */
const COST = 2 ** 14
const now = () => NOW

let opened = 0
const openFile = (path: string, passphrase: string) => {
  const random = randomOf(`vault ${opened++}`)
  return softwareVault(sealedFileKeys(path, passphrase, random, now), random)
}

vaultContract('vault in memory', () => {
  const files = { ...memoryKeys(), madeAt: (name: string) => (name === 'registration' ? NOW : undefined) }
  return { open: () => softwareVault(files, randomOf(`memory ${opened++}`)) }
})

vaultContract('vault in a sealed file', (t) => {
  const path = join(temporaryDirectory(t), 'vault')
  makeSealedFile(path, PASSPHRASE, randomOf('file'), COST)
  return {
    open: () => openFile(path, PASSPHRASE),
    openWrongly: () => openFile(path, `${PASSPHRASE}!`),
    secret: PASSPHRASE,
  }
})

vaultContract(
  'vault in a token',
  () => {
    const { place } = softHsm()
    return { open: () => tokenVault(place, PIN, randomOf(`token ${opened++}`), now) }
  },
  skip,
)

test('a vault file has mode 0600, holds no key in the clear, and is written whole', (t) => {
  const path = join(temporaryDirectory(t), 'vault')
  makeSealedFile(path, PASSPHRASE, randomOf('file'), COST)
  const secret = randomOf('a secret')(32)
  const vault = openFile(path, PASSPHRASE)
  vault.adopt('audit', 'signing', secret)
  assert.equal((statSync(path).mode & 0o777).toString(8), '600')
  const text = readFileSync(path, 'utf8')
  for (const form of ['hex', 'base64', 'base64url'] as const)
    assert.ok(!text.includes(Buffer.from(secret).toString(form)) && !text.includes('audit'), form)
  assert.throws(() => makeSealedFile(path, PASSPHRASE, randomOf('again'), COST), faults('refused'))
  assert.equal(readFileSync(path, 'utf8'), text)
  // What two processes make after each other is both there.
  const [one, two] = [openFile(path, PASSPHRASE), openFile(path, PASSPHRASE)]
  one.make('export-key-v1', 'signing')
  two.make('export-key-v2', 'signing')
  assert.deepEqual([...openFile(path, PASSPHRASE).names()].sort(), ['audit', 'export-key-v1', 'export-key-v2'])
})

test('a vault file that was altered does not open, whichever part was, and one with weak parameters neither', (t) => {
  const path = join(temporaryDirectory(t), 'vault')
  assert.throws(() => openFile(path, PASSPHRASE), faults('absent'))
  makeSealedFile(path, PASSPHRASE, randomOf('file'), COST)
  openFile(path, PASSPHRASE).make('audit', 'signing')
  const whole = JSON.parse(readFileSync(path, 'utf8'))
  const turned = (text: string, k: number) => `${text.slice(0, k)}${text[k] === 'A' ? 'B' : 'A'}${text.slice(k + 1)}`
  for (const altered of [
    { ...whole, salt: turned(whole.salt, 3) },
    { ...whole, cost: 2 * COST },
    { ...whole, sealed: turned(whole.sealed, 2) },
    { ...whole, sealed: turned(whole.sealed, 30) },
    { ...whole, sealed: turned(whole.sealed, whole.sealed.length - 4) },
  ]) {
    writeFileSync(path, JSON.stringify(altered))
    assert.throws(() => openFile(path, PASSPHRASE), faults('locked'))
  }
  for (const text of [
    '',
    '{}',
    JSON.stringify({ ...whole, vault: 2 }),
    JSON.stringify({ ...whole, cost: 2 }),
    JSON.stringify({ ...whole, cost: 2 ** 30 }),
    JSON.stringify({ ...whole, cost: 3 * COST }),
  ]) {
    writeFileSync(path, text)
    assert.throws(() => openFile(path, PASSPHRASE), faults('damaged'))
  }
  assert.throws(() => makeSealedFile(`${path}2`, 'too short', randomOf('file'), COST), faults('refused'))
})

test('the token refuses to give its keys: neither their values, nor wrapped, nor made readable', {
  skip,
}, () => {
  const { place } = softHsm()
  const vault = tokenVault(place, PIN, randomOf('token'), now)
  vault.make('registration', 'agreement')
  vault.make('key-encryption', 'wrapping')
  vault.adopt('audit', 'signing', drawPrivateKey(randomOf('audit')))
  const p11 = createRequire(import.meta.url)('pkcs11js') as typeof import('pkcs11js')
  const library = new p11.PKCS11()
  library.load(place.module)
  const slot = library.C_GetSlotList(true).find((slot) => library.C_GetTokenInfo(slot).label.trim() === place.token)!
  const session = library.C_OpenSession(slot, p11.CKF_SERIAL_SESSION | p11.CKF_RW_SESSION)
  const find = (name: string, type: number): Buffer => {
    library.C_FindObjectsInit(session, [
      { type: p11.CKA_CLASS, value: type },
      { type: p11.CKA_LABEL, value: `vicinity ${name}` },
    ])
    const [found] = library.C_FindObjects(session, 2)
    library.C_FindObjectsFinal(session)
    return found!
  }
  const secrets = [
    find('registration', p11.CKO_PRIVATE_KEY),
    find('key-encryption', p11.CKO_SECRET_KEY),
    find('audit', p11.CKO_PRIVATE_KEY),
  ]
  const wrapper = library.C_GenerateKey(session, { mechanism: p11.CKM_AES_KEY_GEN }, [
    { type: p11.CKA_TOKEN, value: false },
    { type: p11.CKA_WRAP, value: true },
    { type: p11.CKA_VALUE_LEN, value: 32 },
  ])
  for (const key of secrets) {
    const [sensitive, extractable] = library.C_GetAttributeValue(session, key, [
      { type: p11.CKA_SENSITIVE },
      { type: p11.CKA_EXTRACTABLE },
    ])
    assert.deepEqual([(sensitive!.value as Buffer)[0], (extractable!.value as Buffer)[0]], [1, 0])
    assert.throws(() => library.C_GetAttributeValue(session, key, [{ type: p11.CKA_VALUE }]), /CKR_ATTRIBUTE_SENSITIVE/)
    assert.throws(
      () => library.C_WrapKey(session, { mechanism: p11.CKM_AES_KEY_WRAP_PAD }, wrapper, key, Buffer.alloc(500)),
      /CKR_KEY_UNEXTRACTABLE/,
    )
    assert.throws(
      () => library.C_SetAttributeValue(session, key, [{ type: p11.CKA_EXTRACTABLE, value: true }]),
      /CKR_ATTRIBUTE_READ_ONLY|CKR_VENDOR_DEFINED:27$/, // 27 is CKR_ACTION_PROHIBITED
    )
  }
  // What could be read is told apart from what cannot: the same call gives the value of a key that is not sensitive.
  const plain = library.C_CreateObject(session, [
    { type: p11.CKA_CLASS, value: p11.CKO_SECRET_KEY },
    { type: p11.CKA_KEY_TYPE, value: p11.CKK_GENERIC_SECRET },
    { type: p11.CKA_TOKEN, value: false },
    { type: p11.CKA_SENSITIVE, value: false },
    { type: p11.CKA_EXTRACTABLE, value: true },
    { type: p11.CKA_VALUE, value: Buffer.alloc(32, 7) },
  ])
  assert.equal((library.C_GetAttributeValue(session, plain, [{ type: p11.CKA_VALUE }])[0]!.value as Buffer).length, 32)
  vault.close()
})

test('a vault in a token opens another session when its own was lost', { skip }, () => {
  const { place } = softHsm()
  const vault = tokenVault(place, PIN, randomOf('token'), now)
  vault.make('key-encryption', 'wrapping')
  const bytes = randomOf('bytes')(32)
  const p11 = createRequire(import.meta.url)('pkcs11js') as typeof import('pkcs11js')
  const library = new p11.PKCS11()
  library.load(place.module)
  const slot = library.C_GetSlotList(true).find((slot) => library.C_GetTokenInfo(slot).label.trim() === place.token)!
  const wrapped = vault.wrap('key-encryption', bytes, bytes)
  library.C_CloseAllSessions(slot)
  assert.deepEqual([...vault.unwrap('key-encryption', bytes, wrapped)], [...bytes])
  vault.close()
})

test('without its library, its token or the right PIN a vault in a token says which', { skip }, () => {
  const { place } = softHsm()
  const open = (module: string, token: string, pin: string) =>
    tokenVault({ module, token }, pin, randomOf('token'), now)
  assert.throws(() => open('/nowhere/library.so', place.token, PIN).names(), faults('absent'))
  assert.throws(() => open(place.module, 'another token', PIN).names(), faults('absent'))
  assert.throws(
    () => open(place.module, place.token, 'canary').names(),
    (error: Error) => {
      return faults('locked')(error) && !`${error.stack}`.includes('canary')
    },
  )
})

test('whichever call of the token fails, the vault says so, and does the same when it is asked again (n-th call fails)', {
  skip,
}, (t) => {
  const { place } = softHsm()
  const p11 = createRequire(import.meta.url)('pkcs11js') as typeof import('pkcs11js')
  let [calls, failing] = [Number.MIN_SAFE_INTEGER, 0]
  // Under another path the library is loaded once more, by an object whose calls are counted.
  const path = join(temporaryDirectory(t), 'library.so')
  symlinkSync(place.module, path)
  const { load } = p11.PKCS11.prototype
  t.after(() => Object.assign(p11.PKCS11.prototype, { load }))
  Object.assign(p11.PKCS11.prototype, {
    load(this: Record<string, (...values: unknown[]) => unknown>, path: string) {
      load.call(this, path)
      for (const name of Object.keys(this).filter((name) => name.startsWith('C_'))) {
        const original = this[name]!
        this[name] = (...values) => {
          if (++calls === failing) throw new p11.Pkcs11Error('CKR_DEVICE_ERROR:48', 48, name)
          return original.apply(this, values)
        }
      }
    },
  })
  const vault = tokenVault({ ...place, module: path }, PIN, randomOf('token'), now)
  t.after(vault.close)
  const bytes = randomOf('bytes')(32)
  const use = () => {
    if (!vault.names().includes('key-encryption')) vault.make('key-encryption', 'wrapping')
    if (!vault.names().includes('registration')) vault.make('registration', 'agreement')
    const shared = vault.agree('registration', vault.publicPoint('registration'))
    const unwrapped = vault.unwrap('key-encryption', bytes, vault.wrap('key-encryption', bytes, bytes))
    return [shared?.length, [...unwrapped]]
  }
  for (failing = 1; ; failing++) {
    calls = 0
    try {
      use()
    } catch (error) {
      assert.ok(error instanceof VaultError, `${error}`)
    }
    const reached = calls
    calls = Number.MIN_SAFE_INTEGER
    assert.deepEqual(use(), [32, [...bytes]], `after call ${failing}`)
    if (reached < failing) break
  }
  assert.ok(failing > 20, `${failing} calls`)
})

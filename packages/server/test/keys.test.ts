import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { type Epoch, toHex, type UtcDay } from '@vicinity/protocol'
import { makeEbids } from '@vicinity/protocol/robert'
import { statusOf } from '../src/dispatch.ts'
import { directoryKeys, memoryKeys } from '../src/keys/key-files.ts'
import { KeyRing } from '../src/keys/key-ring.ts'
import { randomOf, TODAY, temporaryDirectory } from './fixture.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
const ringOf = (directory: string, seed: string) => new KeyRing(directoryKeys(directory), randomOf(seed))

function describe(ring: KeyRing): Record<string, string> {
  const { publicKey, federationKey, dataKey, issuerKey, replyKey, challengeKey } = ring
  const keys = { publicKey, federationKey, dataKey: dataKey.key, issuerKey, replyKey, challengeKey }
  const days = Object.fromEntries(
    [0, 1, 2].map((day) => {
      // A server key shows nothing of itself, but what it encrypts tells it apart.
      const key = ring.serverKeyOf((TODAY + day) as UtcDay)
      return [day, key === undefined ? 'none' : toHex(makeEbids(key, 1, 0 as Epoch, 4))]
    }),
  )
  const intake = Object.fromEntries(ring.intakeWindows().map((window) => [`w${window}`, toHex(ring.intakeKey(window))]))
  return { ...Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, toHex(key)])), ...days, ...intake }
}

test('keys lie in files of mode 0600 in a directory of mode 0700, and come back the same', (t) => {
  const directory = join(temporaryDirectory(t), 'service', 'keys')
  const ring = ringOf(directory, 'first')
  ring.keepServerKeys(TODAY, TODAY + 1, TODAY)
  ring.intakeKey(12)
  assert.equal(modeOf(directory), '700')
  const names = readdirSync(directory)
  for (const name of ['vault', `server-key-${TODAY}`, 'intake-12']) assert.ok(names.includes(name), name)
  for (const name of names) assert.equal(modeOf(join(directory, name)), '600', name)
  const again = ringOf(directory, 'second')
  assert.deepEqual(describe(again), describe(ring))
  assert.deepEqual(readdirSync(directory), names)
  assert.equal(new Set(Object.values(describe(ring))).size, Object.keys(describe(ring)).length, 'no key serves twice')
})

test('a key file that a crash left unfinished is no key, and is gone at the next start', (t) => {
  const directory = join(temporaryDirectory(t), 'keys')
  const ring = ringOf(directory, 'first')
  const before = describe(ring)
  const names = readdirSync(directory)
  for (const name of ['vault.77.new', `server-key-${TODAY}.77.new`, 'intake-5.new']) {
    writeFileSync(join(directory, name), new Uint8Array(32))
  }
  assert.deepEqual(directoryKeys(directory).names(), names)
  assert.deepEqual(describe(ringOf(directory, 'second')), before)
  assert.deepEqual(readdirSync(directory), names)
})

test('two processes on one directory have one key of each name: no item is sealed under a key that is lost', (t) => {
  const directory = join(temporaryDirectory(t), 'keys')
  const [one, two] = [ringOf(directory, 'one'), ringOf(directory, 'two')]
  const sealed = one.seal(one.intakeKey(3), Uint8Array.of(3), Uint8Array.of(7))
  assert.deepEqual([...two.open(two.knownIntakeKey(3), Uint8Array.of(3), sealed)], [7])
  assert.equal(toHex(two.intakeKey(3)), toHex(one.intakeKey(3)))
  for (const ring of [two, one]) ring.keepServerKeys(TODAY, TODAY + 2, TODAY)
  assert.deepEqual(describe(two), describe(one))
  assert.deepEqual(describe(ringOf(directory, 'later')), describe(one))
})

test('of two that create a key of one name one wins, and both get it', (t) => {
  const directory = join(temporaryDirectory(t), 'keys')
  for (const keys of [memoryKeys(), directoryKeys(directory)]) {
    assert.deepEqual([...keys.create('key', Uint8Array.of(1))], [1])
    assert.deepEqual([...keys.create('key', Uint8Array.of(2))], [1])
    assert.deepEqual([...keys.read('key')!], [1])
    keys.remove('key')
    assert.equal(keys.read('key'), undefined)
    assert.deepEqual([...keys.create('key', Uint8Array.of(2))], [2])
    assert.deepEqual(keys.names(), ['key'])
  }
  assert.deepEqual(readdirSync(directory), ['key'])
})

test('a destroyed key is gone from the directory, and a ring opened later does not have it (I3)', (t) => {
  const directory = join(temporaryDirectory(t), 'keys')
  const ring = ringOf(directory, 'first')
  ring.keepServerKeys(TODAY, TODAY + 1, TODAY)
  ring.intakeKey(12)
  ring.destroyIntakeKey(12)
  ring.keepServerKeys(TODAY + 1, TODAY + 1, TODAY + 1)
  const again = ringOf(directory, 'second')
  assert.deepEqual(again.intakeWindows(), [])
  assert.equal(again.serverKeyOf(TODAY as UtcDay), undefined)
  assert.notEqual(again.serverKeyOf((TODAY + 1) as UtcDay), undefined)
  ring.destroyIntakeKey(12)
})

test('a key file that lost bytes stops the start: HMAC would take it for a key', () => {
  for (const name of ['registration', 'federation', 'vault', 'issuer', 'reply', 'challenge']) {
    const keys = memoryKeys()
    keys.create(name, new Uint8Array(0))
    assert.throws(() => new KeyRing(keys, randomOf('ring')), new RegExp(`the key ${name} is damaged`))
  }
})

test('a key that cannot be read stops the start instead of being made anew', (t) => {
  const directory = join(temporaryDirectory(t), 'keys')
  ringOf(directory, 'first')
  const path = join(directory, 'vault')
  rmSync(path)
  mkdirSync(path)
  assert.throws(() => ringOf(directory, 'second'), /EISDIR/)
})

test('a disk that is full refuses a key for now: 503, and not a fault of our own', () => {
  const full = openSync('/dev/full', 'w')
  try {
    assert.throws(
      () => writeSync(full, Uint8Array.of(1)),
      (error) => isDeepStrictEqual(statusOf(error), { status: 503, body: { error: 'disk' } }),
    )
  } finally {
    closeSync(full)
  }
  assert.equal(statusOf(undefined).status, 500)
})

test('what is sealed opens for its place only', () => {
  const ring = new KeyRing(memoryKeys(), randomOf('ring'))
  const [here, there] = [Uint8Array.of(1), Uint8Array.of(2)]
  const sealed = ring.seal(ring.dataKey.key, here, Uint8Array.of(7, 7))
  assert.deepEqual([...ring.open(ring.dataKey.key, here, sealed)], [7, 7])
  assert.notDeepEqual(
    ring.seal(ring.dataKey.key, here, Uint8Array.of(7, 7)),
    sealed,
    'each time with another IV (T-13)',
  )
  assert.throws(() => ring.open(ring.dataKey.key, there, sealed), /does not open/)
  assert.throws(() => ring.open(ring.replyKey, here, sealed), /does not open/)
  // Also a value that lost bytes: no shorter tag, no shorter IV (T-14).
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => ring.open(ring.dataKey.key, here, sealed.subarray(0, length)), /does not open/)
  }
})

test('a disk that takes only the first byte of a key keeps none of it (F6)', (t) => {
  // What limits the size of files is a program of Linux.
  if (process.platform !== 'linux') return
  const directory = join(temporaryDirectory(t), 'keys')
  const program = `
    const { directoryKeys } = await import(${JSON.stringify(new URL('../src/keys/key-files.ts', import.meta.url).href)})
    directoryKeys(process.argv[1]).create('intake-1', new Uint8Array(32).fill(7))`
  const node = [process.execPath, '--conditions=@vicinity/source', '--input-type=module', '-e', program, directory]
  const { status, stderr } = spawnSync('prlimit', ['--fsize=1', ...node], { encoding: 'utf8' })
  assert.notEqual(status, 0)
  assert.match(stderr, /EFBIG/)
  const keys = directoryKeys(directory)
  assert.deepEqual([keys.names(), keys.read('intake-1')], [[], undefined])
  assert.equal(keys.create('intake-1', new Uint8Array(32).fill(8)).length, 32)
})

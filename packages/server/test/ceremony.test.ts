// The ceremony of keys: from one plan, each step logged before it takes effect, and none that undoes what is there.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DAY_SECONDS, later, toHex } from '@vicinity/protocol'
import type { ActName } from '../src/audit/entry.ts'
import { AuditError } from '../src/audit/log.ts'
import { verifyLog } from '../src/audit/verify.ts'
import {
  type CeremonyWorld,
  destroyKey,
  filesUnder,
  makeKeys,
  missingKeys,
  rotateKey,
  statusOfKeys,
} from '../src/keys/ceremony.ts'
import { memoryKeys } from '../src/keys/key-files.ts'
import { readPlan } from '../src/keys/plan.ts'
import { keyFromShares, sharesOfKey } from '../src/keys/share-files.ts'
import { plainNames, wrappedKeys } from '../src/keys/wrapped-keys.ts'
import { ceremonyWorld, planOf } from './ceremony-fixture.ts'
import { NOON, TODAY } from './fixture.ts'
import { faults } from './vault-contract.ts'

const plan = planOf()
const made = () => {
  const world = ceremonyWorld()
  makeKeys(world, plan, { adopt: false })
  return world
}
const entriesOf = ({ logFiles, vault }: ReturnType<typeof ceremonyWorld>, act: ActName) => {
  const { entries, fault } = verifyLog(
    { log: logFiles.log.read(), heads: logFiles.heads.read() },
    { key: vault.publicPoint('audit') },
  )
  assert.equal(fault, undefined)
  return entries.filter((entry) => entry.act === act).map(({ details }) => details)
}
const failingFor = (world: CeremonyWorld, act: ActName): CeremonyWorld => ({
  ...world,
  audit: {
    ...world.audit,
    append(name, details) {
      if (name === act) throw new AuditError('the audit log cannot be written')
      world.audit.append(name, details)
    },
  },
})

test('init makes every key of the plan and K_S for the bundle and two days more, each logged; again it makes none', () => {
  const world = ceremonyWorld()
  const wanted = missingKeys(world, plan)
  assert.ok(wanted.includes('registration') && wanted.includes(`server-key-${TODAY + 6}`))
  assert.ok(!wanted.includes(`server-key-${TODAY + 7}`))
  makeKeys(world, plan, { adopt: false })
  assert.deepEqual(missingKeys(world, plan), [])
  const logged = entriesOf(world, 'key.made').map(({ name }) => String(name))
  assert.deepEqual([...logged].sort(), [...wanted].sort())
  assert.deepEqual([...world.vault.names(), ...world.files.names()].sort(), [...wanted, 'audit'].sort())
  assert.deepEqual(plainNames(world.files), [])
  const before = world.files.read('federation')
  makeKeys(world, plan, { adopt: false })
  assert.equal(entriesOf(world, 'key.made').length, logged.length)
  assert.deepEqual(world.files.read('federation'), before)
  // A day later the key of one more day is missing, and nothing else.
  const tomorrow = { ...world, at: later(NOON, DAY_SECONDS) }
  assert.deepEqual(missingKeys(tomorrow, plan), [`server-key-${TODAY + 7}`])
})

test('a ceremony that dies between any two steps is done again, and what was made before stays (n-th call fails)', () => {
  let steps = 0
  for (let dies = 1; ; dies++) {
    const world = ceremonyWorld()
    let calls = 0
    const counted = <Value extends object>(value: Value): Value =>
      new Proxy(value, {
        get: (target, name) => {
          const member = Reflect.get(target, name) as unknown
          if (typeof member !== 'function') return member
          return (...values: unknown[]) => {
            if (['make', 'create', 'append'].includes(String(name)) && ++calls === dies) throw new Error('died')
            return (member as (...values: unknown[]) => unknown)(...values)
          }
        },
      })
    const dying = { ...world, vault: counted(world.vault), files: counted(world.files), audit: counted(world.audit) }
    let died = false
    try {
      makeKeys(dying, plan, { adopt: false })
    } catch (error) {
      assert.match(String(error), /died/)
      died = true
    }
    const kept = new Map(world.files.names().map((name) => [name, toHex(world.files.read(name)!)]))
    makeKeys(world, plan, { adopt: false })
    assert.deepEqual(missingKeys(world, plan), [], `after step ${dies}`)
    for (const [name, bytes] of kept) assert.equal(toHex(world.files.read(name)!), bytes)
    if (!died) break
    steps = dies
  }
  assert.ok(steps > 30, `${steps} steps`)
})

test('what cannot be logged does not happen: no key is made, taken in, destroyed, split or put together (I10)', () => {
  const empty = ceremonyWorld()
  assert.throws(() => makeKeys(failingFor(empty, 'key.made'), plan, { adopt: false }), AuditError)
  assert.deepEqual([...empty.vault.names(), ...empty.files.names()], ['audit'])
  const open = ceremonyWorld({ files: memoryKeys() })
  open.files.create('registration', new Uint8Array(32).fill(1))
  assert.throws(() => makeKeys(failingFor(open, 'key.adopted'), plan, { adopt: true }), AuditError)
  assert.deepEqual([open.vault.names().includes('registration'), open.files.names()], [false, ['registration']])
  const world = made()
  assert.throws(() => rotateKey(failingFor(world, 'key.made'), plan, 'data'), AuditError)
  assert.throws(() => destroyKey(failingFor(world, 'key.destroyed'), plan, 'registration'), AuditError)
  assert.throws(() => sharesOfKey(failingFor(world, 'shares.made'), plan, 'federation'), AuditError)
  const shares = sharesOfKey(world, plan, 'federation').map(({ text }) => text)
  world.files.remove('federation')
  assert.throws(() => keyFromShares(failingFor(world, 'shares.combined'), plan, shares), AuditError)
  assert.deepEqual(missingKeys(world, plan), ['federation'])
})

test('rotate makes the next version of what can be rotated, and says of the others why not', () => {
  const world = made()
  assert.equal(rotateKey(world, plan, 'data'), 'vault-2')
  assert.equal(rotateKey(world, plan, 'data'), 'vault-3')
  const keys = wrappedKeys(world.files, world.vault)
  assert.equal(new Set(['vault', 'vault-2', 'vault-3'].map((name) => toHex(keys.read(name)!))).size, 3)
  const before = new Map(world.files.names().map((name) => [name, toHex(keys.read(name)!)]))
  assert.equal(filesUnder(world, 'key-encryption'), before.size)
  assert.equal(rotateKey(world, plan, 'key-encryption'), 'key-encryption-2')
  assert.equal(filesUnder(world, 'key-encryption'), 0)
  destroyKey(world, plan, 'key-encryption')
  for (const [name, bytes] of before) assert.equal(toHex(keys.read(name)!), bytes, name)
  const point = toHex(world.vault.publicPoint('export-key-v1'))
  assert.equal(rotateKey(world, plan, 'export', 'v2'), 'export-key-v2')
  assert.notEqual(toHex(world.vault.publicPoint('export-key-v2')), point)
  assert.equal(toHex(world.vault.publicPoint('export-key-v1')), point)
  assert.throws(() => rotateKey(world, plan, 'export', 'v2'), faults('refused'))
  const reply = toHex(keys.read('reply')!)
  rotateKey(world, plan, 'reply')
  assert.notEqual(toHex(keys.read('reply')!), reply)
  for (const what of ['registration', 'federation', 'issuer', 'audit', 'nothing'])
    assert.throws(() => rotateKey(world, plan, what), faults('refused'))
})

test('status names what is missing, what is due, what lies in the open and what is none of ours', () => {
  const files = { ...memoryKeys(), madeAt: () => NOON - 400 * DAY_SECONDS }
  const world = ceremonyWorld({ files })
  makeKeys(world, plan, { adopt: false })
  world.vault.destroy('registration')
  files.create('server-key-1', new Uint8Array(24))
  files.create('stranger', new Uint8Array(5))
  const stateOf = Object.fromEntries(statusOfKeys(world, plan).map(({ name, state }) => [name, state]))
  assert.equal(stateOf['registration'], 'missing')
  assert.equal(stateOf['vault'], 'due')
  assert.equal(stateOf['federation'], 'ok')
  assert.equal(stateOf['server-key-1'], 'open')
  assert.equal(stateOf['stranger'], 'unknown')
})

test('shares of a key give it back to a directory that lost it; too few, doubled, altered and foreign ones do not', () => {
  const world = made()
  const keys = wrappedKeys(world.files, world.vault)
  const secret = toHex(keys.read('vault')!)
  const shares = sharesOfKey(world, plan, 'vault').map(({ text }) => text)
  assert.equal(shares.length, 3)
  for (const text of shares) assert.ok(!text.includes(secret))
  assert.throws(() => keyFromShares(world, plan, shares), /there is a key vault already/)
  world.files.remove('vault')
  const [first, second, third] = shares as [string, string, string]
  const others = sharesOfKey(world, plan, 'federation').map(({ text }) => text)
  const flip = (text: string) => text.replace(/y: ./, (start) => (start === 'y: 0' ? 'y: 1' : 'y: 0'))
  for (const [given, words] of [
    [[first], /2 shares are needed/],
    [[first, first], /twice/],
    [[first, others[1]!], /not of one sharing/],
    [[first, flip(second)], /checksum/],
    [[first, second.replace('needed: 2', 'needed: 3')], /checksum/],
    [[], /no share/],
  ] as const)
    assert.throws(() => keyFromShares(world, plan, given), words)
  assert.throws(() => keyFromShares(world, planOf({ service: 'another' }), [first, third]), /another service/)
  assert.ok(!world.files.names().includes('vault'))
  assert.equal(keyFromShares(world, plan, [third, first]), 'vault')
  assert.equal(toHex(keys.read('vault')!), secret)
})

test('K_S, intake keys and keys of the token are never split: the words say why', () => {
  const world = made()
  wrappedKeys(world.files, world.vault).create('intake-5', new Uint8Array(32))
  for (const name of [`server-key-${TODAY}`, 'intake-5', 'issuer', 'challenge', 'padding', 'generation-1'])
    assert.throws(() => sharesOfKey(world, plan, name), /never copied/, name)
  for (const name of ['registration', 'audit', 'key-encryption', 'export-key-v1'])
    assert.throws(() => sharesOfKey(world, plan, name), /never leaves it/, name)
  assert.throws(() => sharesOfKey(world, plan, 'nothing'), /no key/)
  assert.equal(entriesOf(world, 'shares.made').length, 0)
})

test('the plan of the examples is one that a ceremony takes', () => {
  const text = readFileSync(fileURLToPath(new URL('../../../examples/ceremony.json', import.meta.url)), 'utf8')
  const world = ceremonyWorld()
  makeKeys(world, readPlan(text), { adopt: false })
  assert.deepEqual(missingKeys(world, readPlan(text)), [])
})

test('a plan has all its fields and no other, and names every key that it makes', () => {
  const good = JSON.parse(JSON.stringify(plan))
  assert.deepEqual(readPlan(JSON.stringify(good)), plan)
  const { vault: _, ...without } = good
  for (const [bad, field] of [
    ['{', 'plan'],
    ['[]', 'plan'],
    [{ ...good, extra: 1 }, 'plan.extra'],
    [without, 'plan.vault'],
    [{ ...good, bundleDays: -1 }, 'plan.bundleDays'],
    [{ ...good, bundleDays: 2.5 }, 'plan.bundleDays'],
    [{ ...good, exportVersions: ['v1', 'v1'] }, 'plan.exportVersions'],
    [{ ...good, exportVersions: ['../v1'] }, 'plan.exportVersions'],
    [{ ...good, make: good.make.slice(1) }, 'plan.make'],
    [{ ...good, make: [...good.make, 'server-key-1'] }, 'plan.make'],
    [{ ...good, make: [...good.make, 'export-key-v2'] }, 'plan.make'],
    [{ ...good, shares: { needed: 4, holders: ['a', 'b', 'c'] } }, 'plan.shares.needed'],
    [{ ...good, shares: { needed: 1, holders: ['a', 'b'] } }, 'plan.shares.needed'],
    [{ ...good, shares: { needed: 2, holders: ['a', 'a'] } }, 'plan.shares.holders'],
    [{ ...good, shares: { needed: 2, holders: ['a', 'b'], more: 1 } }, 'plan.shares.more'],
    [{ ...good, service: 'line\nbreak' }, 'plan.service'],
  ] as const)
    assert.throws(() => readPlan(typeof bad === 'string' ? bad : JSON.stringify(bad)), { name: 'Malformed', field })
})

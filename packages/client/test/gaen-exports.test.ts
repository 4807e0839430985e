// Looking for diagnosis keys: the index, the files, what they match, and what the user is told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ascii, dayOf, dayStart, later } from '@vicinity/protocol'
import { type DiagnosisKey, intervalAt, packArchive, REPORT_TYPE } from '@vicinity/protocol/gaen'
import type { GaenNotice, Outgoing } from '../src/gaen/index.ts'
import { bytes, DAY, type Fate, fileOf, GaenWorld, HOUR, installed, json, MINUTE, NOON, Person } from './gaen-world.ts'

const other = new Person('other')
const third = new Person('third')
const isIndex = ({ path }: Outgoing) => path.endsWith('index.txt')
const filesAskedFor = (world: GaenWorld): string[] =>
  world
    .sent('/exports/')
    .map(({ request }) => request.path.replace('/exports/', ''))
    .filter((name) => name !== 'index.txt')

/** A phone that was near somebody for half an hour, and a day has passed. */
function met(person = other): GaenWorld {
  const world = installed()
  world.meets(person, 30, -50)
  world.pass(DAY)
  return world
}

const atRisk: GaenNotice = { what: 'atRisk', exposureDay: dayOf(NOON) }
const confirmed = other.keyOf(NOON)
const likely = other.keyOf(NOON, { reportType: REPORT_TYPE.confirmedClinicalDiagnosis })
const revoked = other.keyOf(NOON, { reportType: REPORT_TYPE.revoked })

test('the index is looked at every four hours less up to one by chance, from the first hours on', () => {
  const world = installed()
  world.pass(10 * DAY)
  const times = world.sent('/exports/index.txt').map(({ stepAt }) => stepAt)
  const gaps = times.map((at, k) => at - (times[k - 1] ?? NOON))
  assert.ok(gaps.every((gap) => gap > 3 * HOUR && gap <= 4 * HOUR))
  assert.ok(new Set(gaps).size > 30)
})

test('each file is asked for once, the oldest first, for as long as the index names it', () => {
  const world = installed()
  for (const name of ['2.zip', '1.zip']) world.files.set(name, fileOf([third.keyOf(NOON)]))
  world.look()
  world.look()
  world.files.set('3.zip', fileOf([]))
  world.look()
  assert.deepEqual(filesAskedFor(world), ['1.zip', '2.zip', '3.zip'])
  assert.deepEqual(world.state.read, ['1.zip', '2.zip', '3.zip'])
  world.files.delete('1.zip')
  world.look()
  assert.deepEqual(world.state.read, ['2.zip', '3.zip'])
})

test('a request for a file holds nothing but its name', () => {
  const world = installed()
  world.files.set('a/b-1.zip', fileOf([]))
  world.look()
  for (const { request } of world.sent()) {
    assert.deepEqual({ ...request, path: '' }, { method: 'GET', path: '', body: undefined, headers: {} })
  }
  assert.deepEqual(filesAskedFor(world), ['a/b-1.zip'])
})

test('who was near somebody whose key is published is warned, once', () => {
  const world = met()
  world.files.set('1.zip', fileOf([third.keyOf(NOON), confirmed]))
  world.look()
  assert.deepEqual(world.notices(), [atRisk])
  world.files.set('2.zip', fileOf([third.keyOf(NOON)]))
  world.look()
  assert.deepEqual(world.notices(), [atRisk])
})

test('who was near for a minute only, or far away, has met the key and is not warned', () => {
  for (const [minutes, strength] of [
    [1, -50],
    [40, -110],
  ] as const) {
    const world = installed()
    world.meets(other, minutes, strength)
    world.pass(DAY)
    world.files.set('1.zip', fileOf([confirmed]))
    world.look()
    assert.equal(world.state.exposures.length, 1)
    assert.deepEqual(world.notices(), [])
  }
})

test('what was not received with a strength counts as near', () => {
  const world = installed()
  world.meets(other, 30)
  world.pass(DAY)
  world.files.set('1.zip', fileOf([confirmed]))
  world.look()
  assert.deepEqual(world.notices(), [atRisk])
})

test('metadata that no phone sends were tampered with: the sighting does not count', () => {
  const world = installed()
  const advertisement = other.advertisementAt(NOON, 100)
  world.happens({ type: 'heard', advertisement })
  world.happens({ type: 'heard', advertisement, strength: -40 })
  world.files.set('1.zip', fileOf([confirmed]))
  world.look()
  assert.deepEqual(world.state.exposures, [])
})

test('a key that was cut short matches its first intervals only', () => {
  const cut = (rollingPeriod: number) => {
    const world = met()
    world.files.set('1.zip', fileOf([other.keyOf(NOON, { rollingPeriod })]))
    world.look()
    return world.state.exposures.flatMap(({ sightings }) => sightings).length
  }
  assert.deepEqual([cut(72), cut(73), cut(74), cut(75), cut(144)], [0, 10, 20, 30, 30])
})

test('a warning is told again for a newer day, and ends when its days are over', () => {
  const world = met()
  world.files.set('1.zip', fileOf([confirmed]))
  world.look()
  world.meets(third, 30, -50)
  const thirdDay = dayOf(world.now)
  world.files.set('2.zip', fileOf([third.keyOf(world.now)]))
  world.look()
  world.pass(12 * DAY)
  assert.deepEqual(world.notices(), [atRisk, { what: 'atRisk', exposureDay: thirdDay }, { what: 'warningEnded' }])
})

test('what the authority takes back ends the warning; the newest day that is left is told', () => {
  const world = met()
  world.meets(third, 30, -50)
  const thirdDay = dayOf(world.now)
  const key = third.keyOf(world.now)
  world.pass(DAY)
  world.files.set('1.zip', fileOf([likely, key]))
  world.look()
  world.files.set('2.zip', fileOf([], { revised: [{ ...key, reportType: REPORT_TYPE.revoked }] }))
  world.look()
  world.files.set('3.zip', fileOf([], { revised: [revoked] }))
  world.look()
  assert.deepEqual(world.notices(), [{ what: 'atRisk', exposureDay: thirdDay }, atRisk, { what: 'warningEnded' }])
})

test('a key that was taken back does not return with an older file, nor under a new name', () => {
  const world = met()
  world.files.set('2.zip', fileOf([], { revised: [revoked] }))
  world.look()
  world.files.set('1.zip', fileOf([likely]))
  world.look()
  world.files.set('3.zip', fileOf([likely]))
  world.look()
  assert.deepEqual(world.notices(), [])
  assert.deepEqual(
    world.state.exposures.map(({ key, sightings }) => [key.reportType, sightings.length]),
    [[REPORT_TYPE.revoked, 0]],
  )
})

test('a key that was first likely and then confirmed says so, whichever file comes first; one file may have both', () => {
  const revised = fileOf([], { revised: [confirmed] })
  const first = fileOf([likely])
  for (const files of [[first, revised], [revised, first], [fileOf([likely], { revised: [confirmed] })]]) {
    const world = met()
    for (const [k, file] of files.entries()) {
      world.files.set(`${k}.zip`, file)
      world.look()
    }
    const [exposure, ...more] = world.state.exposures
    assert.equal(exposure!.key.reportType, REPORT_TYPE.confirmedTest)
    assert.equal(exposure!.sightings.length, 30)
    assert.deepEqual(more, [])
    assert.deepEqual(world.notices(), [atRisk])
  }
})

test('a revoked key that was never met leaves nothing behind', () => {
  const world = met(third)
  world.files.set('1.zip', fileOf([], { revised: [revoked] }))
  world.look()
  assert.deepEqual(world.state.exposures, [])
})

test('the same file under a new name changes nothing', () => {
  const world = met()
  world.files.set('1.zip', fileOf([confirmed]))
  world.look()
  const before = structuredClone(world.state.exposures)
  world.files.set('1-again.zip', fileOf([confirmed]))
  world.look()
  assert.deepEqual(world.state.exposures, before)
  assert.deepEqual(world.notices(), [atRisk])
})

test('who repeats our own advertisements to us is no contact', () => {
  const world = installed()
  const mine = world.state.advertisement!
  world.pass(30 * MINUTE)
  for (let k = 0; k < 5; k++) world.happens({ type: 'heard', advertisement: mine })
  assert.equal(world.log.length, 5)
  const [{ keyData, rollingStart }] = world.state.keys as [DiagnosisKey & { fate: 'private' }]
  world.files.set('1.zip', fileOf([{ ...other.keyOf(NOON), keyData, rollingStart }]))
  world.look()
  assert.deepEqual(world.state.exposures, [])
})

test('an index that cannot be read or had is asked for again soon, and then later and later', () => {
  const fates: readonly Fate[] = [
    bytes(ascii('../etc/passwd')),
    bytes(ascii('<html>')),
    json(500, {}),
    json(404, {}),
    'failed',
    'silence',
  ]
  for (const fate of fates) {
    const world = new GaenWorld()
    let asked = 0
    world.fate = (request) => (isIndex(request) && ++asked <= 8 ? fate : undefined)
    world.files.set('1.zip', fileOf([]))
    world.install()
    world.pass(2 * DAY)
    const times = world.sent('/exports/index.txt').map(({ stepAt }) => stepAt)
    assert.ok(times[1]! - times[0]! <= 60 + 480)
    assert.ok(times[8]! - times[0]! < DAY)
    assert.deepEqual(filesAskedFor(world), ['1.zip'])
  }
})

test('a listed file that is gone is passed over, and asked for again only when the next index still names it', () => {
  for (const status of [404, 403, 410]) {
    const world = met()
    world.files.set('1.zip', fileOf([]))
    world.files.set('2.zip', fileOf([confirmed]))
    let isGone = true
    world.fate = ({ path }) => (isGone && path.endsWith('1.zip') ? json(status, {}) : undefined)
    world.look()
    assert.deepEqual(filesAskedFor(world), ['1.zip', '2.zip'])
    assert.deepEqual(world.notices(), [atRisk])
    isGone = false
    world.look()
    world.look()
    assert.deepEqual(filesAskedFor(world), ['1.zip', '2.zip', '1.zip'])
  }
})

test('a file that is not signed by somebody trusted, or damaged, counts for nothing and is asked for with every look', () => {
  const good = fileOf([confirmed])
  const damaged = good.slice()
  damaged[40]! ^= 1
  const bad = [
    fileOf([confirmed], { signer: 'foreign' }),
    good.subarray(0, good.length - 1),
    damaged,
    ascii('<html>Please log in</html>'),
    new Uint8Array(0),
    packArchive(ascii('no header'), ascii('no signature')),
  ]
  for (const file of bad) {
    const world = met()
    world.files.set('1.zip', file)
    world.look()
    world.look()
    assert.deepEqual([world.state.read, world.state.exposures, world.notices()], [[], [], []])
    assert.deepEqual(filesAskedFor(world), ['1.zip', '1.zip'])
    world.files.set('1.zip', good)
    world.look()
    assert.deepEqual(world.notices(), [atRisk])
  }
})

test('a file that fails lets the others go first, ends the round in the end, and has its turn with the next look', () => {
  for (const fate of [json(503, {}), 'failed', 'silence'] as const) {
    const world = met()
    world.files.set('1.zip', fileOf([]))
    world.files.set('2.zip', fileOf([confirmed]))
    let isBroken = true
    world.fate = ({ path }) => (isBroken && path.endsWith('1.zip') ? fate : undefined)
    world.pass(8 * HOUR)
    assert.deepEqual(world.notices(), [atRisk])
    assert.deepEqual(world.state.read, ['2.zip'])
    assert.ok(world.sent('/exports/index.txt').length >= 2)
    isBroken = false
    world.pass(8 * HOUR)
    assert.deepEqual(world.state.read, ['2.zip', '1.zip'])
  }
})

test('a phone that is stopped after each file gets to the last one all the same', () => {
  const world = met()
  for (let k = 0; k < 6; k++) world.files.set(`${k}.zip`, fileOf(k === 5 ? [confirmed] : []))
  let files = 0
  world.fate = ({ path }) => (path.endsWith('.zip') && ++files % 2 === 0 ? 'silence' : undefined)
  for (let k = 0; k < 30; k++) {
    world.pass(20 * MINUTE)
    world.crash()
    world.happens({ type: 'wake' })
  }
  assert.deepEqual(world.notices(), [atRisk])
  assert.equal(world.state.read.length, 6)
})

test('a phone that is stopped while it compares downloads the file again', () => {
  const world = met()
  world.files.set('1.zip', fileOf([confirmed]))
  world.compares = false
  while (world.state.download.stage !== 'match') world.pass(MINUTE)
  world.compares = true
  world.crash()
  world.happens({ type: 'wake' })
  world.pass(HOUR)
  assert.deepEqual(filesAskedFor(world), ['1.zip', '1.zip'])
  assert.deepEqual(world.notices(), [atRisk])
})

test('a comparison that comes late, or of another file, is not taken', () => {
  const world = met()
  const found = { type: 'matched', file: '1.zip', trusted: true, keys: [] } as const
  world.happens(found)
  assert.deepEqual(world.state.read, [])
})

test('a clock that is set back by a year does not silence the phone', () => {
  const world = met()
  world.skew = -365 * DAY
  world.happens({ type: 'wake' })
  const before = world.sent('/exports/index.txt').length
  world.pass(HOUR)
  assert.equal(world.sent('/exports/index.txt').length, before + 1)
})

test('a key that was met is kept until its day ended 14 days ago, to the second', () => {
  const world = met()
  world.files.set('1.zip', fileOf([likely]))
  world.look()
  const end = later(dayStart(dayOf(NOON) + 1), 14 * DAY)
  world.runUntil(later(end, -1))
  world.happens({ type: 'wake' })
  assert.equal(world.state.exposures.length, 1)
  assert.equal(world.state.keys.length, 15)
  world.now = end
  world.happens({ type: 'wake' })
  assert.deepEqual(world.state.exposures, [])
  assert.equal(world.state.keys[0]!.rollingStart, intervalAt(dayStart(dayOf(NOON) + 1)))
})

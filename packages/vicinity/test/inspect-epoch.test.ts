import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { UnixSeconds } from '@vicinity/protocol'
import { inspectEpoch } from '../src/inspect/epoch.ts'
import { run } from './command.ts'

interface TimeVector {
  readonly utc?: string
  readonly serviceStartUtc?: string
  readonly ntpSeconds: number
  readonly epoch?: number
  readonly time32?: string
  readonly time16?: number
}
const { time }: { time: TimeVector[] } = JSON.parse(
  readFileSync(new URL('../../../vectors/robert.json', import.meta.url), 'utf8'),
)
const unix = (utc: string) => (Date.parse(utc) / 1000) as UnixSeconds

test('inspect epoch shows the published times and epochs', () => {
  let ran = 0
  for (const vector of time) {
    if (vector.utc === undefined) continue
    const serviceStart = unix(vector.serviceStartUtc ?? '1980-01-01T00:00:00Z')
    const fields = inspectEpoch({ at: unix(vector.utc), serviceStart, epochDuration: 900 })
    assert.equal(fields['ntp'], vector.ntpSeconds)
    if (vector.epoch !== undefined) assert.equal(fields['epoch'], vector.epoch)
    if (vector.time32 !== undefined) assert.equal(fields['time32'], vector.time32)
    if (vector.time16 !== undefined) assert.equal(fields['time16'], vector.time16.toString(16).padStart(4, '0'))
    ran++
  }
  assert.equal(ran > 5, true)
})

test('inspect epoch tells a time in every form, from a date, from Unix seconds and from the number of the epoch', async () => {
  const { code, out } = await run(['inspect', 'epoch', '--at', '2020-06-02T00:20:30Z', '--json'])
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(out), {
    epoch: 97,
    slot: 1,
    start: '2020-06-02T00:15:00Z',
    end: '2020-06-02T00:30:00Z',
    utcDay: '2020-06-02',
    at: '2020-06-02T00:20:30Z',
    unix: 1_591_057_230,
    ntp: 3_800_046_030,
    time16: '19ce',
    time32: 'e28019ce',
  })
  assert.equal((await run(['inspect', 'epoch', '--at', '1591057230', '--json'])).out, out)
  assert.equal((await run(['inspect', 'epoch', '--at', '2020-06-02T02:20:30+02:00', '--json'])).out, out)
  const byNumber = await run(['inspect', 'epoch', '--epoch', '97'])
  assert.match(byNumber.out, /^epoch +97\nslot +0\nstart +2020-06-02T00:15:00Z\n/)
})

test('the service may start at any second and have epochs of another length; the day is that of the epoch start', () => {
  const serviceStart = unix('2026-03-01T23:50:00Z')
  const fields = inspectEpoch({ at: unix('2026-03-02T00:05:00Z'), serviceStart, epochDuration: 1200 })
  assert.deepEqual([fields['epoch'], fields['utcDay'], fields['slot']], [0, '2026-03-01', 3])
  // After 2036-02-07 the low 32 bits begin again; the time does not.
  const era = inspectEpoch({ at: unix('2036-02-07T06:28:17Z'), serviceStart, epochDuration: 900 })
  assert.deepEqual([era['ntp'], era['time32'], era['time16']], [2 ** 32 + 1, '00000001', '0001'])
})

test('what is no time or no epoch of the service is refused in one line', async () => {
  for (const [args, error] of [
    [[], 'give either --at or --epoch'],
    [['--at', '0', '--epoch', '1'], 'give either --at or --epoch'],
    [['--at', '2026-03-05T12:00'], '--at must be like 2026-03-05T12:00:00Z, or Unix seconds, not "2026-03-05T12:00"'],
    [['--at', '2026-13-05'], '--at must be like 2026-03-05T12:00:00Z, or Unix seconds, not "2026-13-05"'],
    [['--at', '2020-05-31'], '--at is before the start of the service, 2020-06-01T00:00:00Z'],
    [['--at', '8796093022207'], '--at is after epoch 16777215, the last of 24 bits'],
    [['--epoch', '16777216'], '--epoch must be a whole number from 0 to 16777215, not "16777216"'],
    [['--epoch', '1', '--epoch-duration', '901'], '--epoch-duration must be a multiple of 300, not 901'],
  ] as const) {
    const ended = await run(['inspect', 'epoch', ...args])
    assert.equal(ended.error, `vicinity: ${error}\n`)
    assert.equal(ended.code, 1)
  }
})

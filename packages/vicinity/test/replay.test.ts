import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from './command.ts'

const KEYS = [
  'people',
  'registered',
  'records',
  'receiverEbidPairs',
  'declared',
  'itemsUploaded',
  'itemsAccepted',
  'itemsRefused',
  'exposed',
  'exposedIds',
  'atRisk',
  'atRiskIds',
  'seconds',
]

const file = (text: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'replay-')), 'trace.csv')
  writeFileSync(path, text)
  return path
}
const trace = file('t,i,j\n60,1,2\n120,1,2\n180,3,4\n')

test('lab replay --json prints one line of JSON, and progress elsewhere', async () => {
  const { code, out, error } = await run(['lab', 'replay', trace, '--declare', '1', '--json'])
  assert.equal(code, 0)
  assert.equal(out.endsWith('\n') && out.indexOf('\n') === out.length - 1, true)
  const result = JSON.parse(out)
  assert.deepEqual(Object.keys(result), KEYS)
  assert.deepEqual([result.people, result.records, result.exposedIds], [4, 3, [2]])
  assert.match(error, /registering/)
})

test('lab replay shows a table to people', async () => {
  const { out } = await run(['lab', 'replay', trace, '--declare', '1,3', '--filter', 'none'])
  assert.match(out, /people who declared +2/)
  assert.match(out, /people exposed +2 +2 4/)
})

test('lab replay --report writes the page and prints the same result', async () => {
  const report = join(mkdtempSync(join(tmpdir(), 'report-')), 'report.html')
  const args = ['lab', 'replay', trace, '--declare', '1', '--json']
  const [plain, reported] = [await run(args), await run([...args, '--report', report])]
  assert.equal(reported.code, 0)
  const withoutSeconds = (text: string) => text.replace(/"seconds":[\d.]+/, '')
  assert.equal(withoutSeconds(reported.out), withoutSeconds(plain.out))
  assert.match(reported.error, /The report lies in .*report\.html/)
  const page = readFileSync(report, 'utf8')
  assert.match(page, /^<!doctype html>\n<html lang="en">/)
  assert.match(page, /<dt>Diagnosed<\/dt><dd>1<\/dd>/)
})

test('mistakes are told in one line, with what to do', async () => {
  const cases: [string[], RegExp][] = [
    [['lab', 'replay', 'no-such-file'], /^vicinity: no-such-file cannot be read: ENOENT$/],
    [['lab', 'replay', trace, '--declare', '9'], /^vicinity: person 9 does not occur in the trace$/],
    [
      ['lab', 'replay', trace, '--declare', '1', '--adoption', '0'],
      /^vicinity: person 1 does not carry the application/,
    ],
    [
      ['lab', 'replay', trace, '--report', 'no/such/directory'],
      /^vicinity: no\/such\/directory cannot be written: ENOENT$/,
    ],
    [['lab', 'replay', trace, '--adoption', '1.5'], /^vicinity: --adoption must be a number from 0 to 1/],
    [['lab', 'replay', trace, '--seed', 'x'], /^vicinity: --seed must be a whole number/],
    [['lab', 'replay', trace, '--declare', '1,x'], /^vicinity: --declare must be a whole number/],
    [['lab', 'replay', file('a,b\n1,2')], /^vicinity: line 1: column t is missing/],
    [['lab', 'replay', file('20,1,2\n20,1')], /^vicinity: line 2: three columns are needed/],
  ]
  for (const [args, message] of cases) {
    const { code, out, error } = await run([...args, '--json'])
    assert.equal(code, 1, args.join(' '))
    assert.equal(out, '')
    assert.match(error.trim().split('\n').at(-1)!, message)
  }
})

test('an option that does not exist, and a filter that does not, point to the help', async () => {
  for (const args of [['lab', 'replay', trace, '--nope'], ['lab', 'replay', trace, '--filter', 'x'], ['nope']]) {
    const { code, error } = await run(args)
    assert.equal(code, 1)
    assert.match(error, /--help/)
  }
})

import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { BadTrace, loadTrace, parseTrace, type Trace } from '../src/trace.ts'

const data = (name: string) => fileURLToPath(new URL(`../../../data/contacts/${name}.csv.gz`, import.meta.url))
const rows = (trace: Trace) => Array.from(trace.times, (t, k) => [t, trace.left[k], trace.right[k]])
const refused = (text: string, message: RegExp) => assert.throws(() => parseTrace(text), { name: 'BadTrace', message })

test('CSV with the columns t,i,j', () => {
  const trace = parseTrace('t,i,j\n20,1,2\n40,2,7\n')
  assert.deepEqual(rows(trace), [
    [20, 1, 2],
    [40, 2, 7],
  ])
  assert.deepEqual(trace.people, [1, 2, 7])
})

test('CSV without a header, and with the line ends of other systems', () => {
  assert.deepEqual(rows(parseTrace('20,1,2\r\n40,2,7\r\n')), [
    [20, 1, 2],
    [40, 2, 7],
  ])
})

test("the native form: no header, blanks or tabs between, and the people's groups behind", () => {
  const trace = parseTrace('31220 1558 1567 3B 2BIO1\n31240\t1558\t1570\tMP\tMP')
  assert.deepEqual(rows(trace), [
    [31220, 1558, 1567],
    [31240, 1558, 1570],
  ])
})

test('rows are put in order of time; those of one time keep theirs', () => {
  assert.deepEqual(rows(parseTrace('40,1,2\n20,3,4\n20,1,4')), [
    [20, 3, 4],
    [20, 1, 4],
    [40, 1, 2],
  ])
})

test('other columns are refused by name', () => {
  refused('hh,t,dur_s,i,j\nA,1,20,1,2', /line 1: column "hh" is not known, column "dur_s" is not known/)
  refused('time_step,user1_id,user2_id,distance_m\n', /column t is missing, column i is missing, column j is missing/)
  refused('i,j,t\n1,2,20', /the columns stand in another order/)
})

test('a bad row is refused by its line number', () => {
  refused('t,i,j\n20,1,2\n40,x,2', /line 3: t, i and j must be whole numbers/)
  refused('t,i,j\n20,1', /line 2: three columns are needed, there are 2/)
  refused('t,i,j\n20,1,2,3', /line 2: three columns are needed, there are 4/)
  refused('20 1\n', /line 1: three columns/)
  refused('20,1,2\n-20,1,2', /line 2/)
  refused('20,1,2\n20.5,1,2', /line 2/)
  refused('20,1,2\n\n\n20,5,5', /line 4: 5 cannot meet itself/)
  refused('20,1,99999999999999999999', /line 1/)
})

test('an empty trace is refused', () => {
  refused('', /line 1|no contact/)
  refused('t,i,j\n', /no contact/)
})

test('plain and gzip files are the same; a file that is not there says so', () => {
  const directory = mkdtempSync(join(tmpdir(), 'trace-'))
  const text = 't,i,j\n20,1,2\n'
  writeFileSync(join(directory, 'plain.csv'), text)
  writeFileSync(join(directory, 'packed.csv.gz'), gzipSync(text))
  assert.deepEqual(loadTrace(join(directory, 'plain.csv')), loadTrace(join(directory, 'packed.csv.gz')))
  assert.throws(() => loadTrace(join(directory, 'none')), BadTrace)
})

test('the two offices have the published numbers of people and contacts', () => {
  const [small, large] = [loadTrace(data('workplace2013_invs13')), loadTrace(data('workplace2015_invs15'))]
  assert.deepEqual([small.people.length, small.times.length], [92, 9827])
  assert.deepEqual([large.people.length, large.times.length], [217, 78_249])
})

// The drawing of bench/knee.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kneeSvg } from '../../bench/knee.ts'
import type { Point } from '../../bench/load.ts'

const points: readonly Point[] = [
  { offered: 500, goodput: 500, p50: 10, p99: 30 },
  { offered: 1000, goodput: 1000, p50: 12, p99: 100 },
  { offered: 2000, goodput: 1200, p50: 800, p99: null },
]

/** Places of the points of every line, in the order of the drawing. */
const linesOf = (svg: string): number[][][] =>
  [...svg.matchAll(/<polyline[^>]* points="([^"]+)"/g)].map(([, at]) =>
    at!.split(' ').map((pair) => pair.split(',').map(Number)),
  )

test('the drawing has goodput, p99 and median of every curve; what rises on paper rises in figures', () => {
  const svg = kneeSvg([
    { name: 'PostgreSQL', points },
    { name: 'SQLite', points: points.slice(0, 2) },
  ])
  const lines = linesOf(svg)
  assert.deepEqual(
    lines.map((line) => line.length),
    [3, 3, 3, 2, 2, 2],
  )
  for (const line of lines) {
    for (const [k, [x, y]] of line.entries()) {
      assert.ok(x! > 0 && x! < 760 && y! > 0 && y! < 552)
      if (k > 0) assert.ok(x! > line[k - 1]![0]! && y! < line[k - 1]![1]!, 'to the right and upwards')
    }
  }
})

test('the knee is marked where the server last kept up, and axes are labelled with their units', () => {
  const svg = kneeSvg([{ name: 'PostgreSQL', points }])
  const second = linesOf(svg)[0]![1]!
  assert.deepEqual([...svg.matchAll(/<circle[^>]* cx="([^"]+)" cy="([^"]+)"/g)][0]!.slice(1).map(Number), second)
  for (const label of ['answered, requests/s', 'time to answer, ms', 'offered, requests/s', '250 ms', '>2000<']) {
    assert.ok(svg.includes(label), label)
  }
  assert.ok(svg.includes('prefers-color-scheme: dark'))
})

test('what never kept up has no knee, and no curve at all is still a drawing', () => {
  assert.ok(!kneeSvg([{ name: 'SQLite', points: points.slice(2) }]).includes('<circle'))
  assert.ok(kneeSvg([]).startsWith('<svg'))
})

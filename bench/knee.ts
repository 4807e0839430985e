// The curves of servers to their knees as a drawing: what they answer a second, and how long it takes, by what is offered. Bright or
// dark as the reader has it.
import { keepsUp, LONGEST_P99, type Point } from './load.ts'

export interface NamedCurve {
  readonly name: string
  /** Ascending by what was offered. */
  readonly points: readonly Point[]
}

const WIDTH = 760
const LEFT = 74
const RIGHT = 736
const GOODPUT = { top: 44, bottom: 248, title: 'answered, requests/s' }
const TIMES = { top: 296, bottom: 500, title: 'time to answer, ms (logarithmic)' }
const HEIGHT = 552
const TIMES_FROM = 10
const TIMES_TO = 10_000

const STYLE = `svg { background: #ffffff }
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.grid { stroke: #d0d7de } .axis { stroke: #59636e } .bound { stroke: #59636e; stroke-dasharray: 6 4 }
.line { fill: none; stroke-width: 2 } .half { stroke-dasharray: 2 4 } .knee { fill: #ffffff; stroke-width: 2 }
.c0 { stroke: #0969da } .c1 { stroke: #bc4c00 } text.c0 { stroke: none; fill: #0969da } text.c1 { stroke: none; fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #30363d } .axis, .bound { stroke: #9198a1 }
.knee { fill: #0d1117 } .c0 { stroke: #58a6ff } .c1 { stroke: #f0883e } text.c0 { fill: #58a6ff } text.c1 { fill: #f0883e }
}`

type Scale = (value: number) => number

const between = (from: number, to: number, start: number, end: number): Scale => {
  return (value) => start + ((end - start) * (value - from)) / (to - from)
}

/** A step of 1, 2 or 5 with noughts that gives at most so many ticks. */
function stepOf(most: number, ticks: number): number {
  const power = 10 ** Math.floor(Math.log10(most / ticks))
  return power * ([1, 2, 5, 10].find((step) => step * power * ticks >= most) ?? 10)
}

const ticksTo = (most: number): number[] => {
  const step = stepOf(most, 8)
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, k) => k * step)
}

const place = (value: number): string => value.toFixed(1)
const text = (x: number, y: number, anchor: string, words: string, kind = ''): string =>
  `<text x="${place(x)}" y="${place(y)}" text-anchor="${anchor}"${kind && ` class="${kind}"`}>${words}</text>`
const rule = (kind: string, x1: number, y1: number, x2: number, y2: number): string =>
  `<line class="${kind}" x1="${place(x1)}" y1="${place(y1)}" x2="${place(x2)}" y2="${place(y2)}"/>`
const path = (kind: string, at: readonly (readonly [number, number])[]): string =>
  `<polyline class="line ${kind}" points="${at.map(([x, y]) => `${place(x)},${place(y)}`).join(' ')}"/>`

export function kneeSvg(curves: readonly NamedCurve[]): string {
  const most = 1.02 * Math.max(1, ...curves.flatMap(({ points }) => points.map(({ offered }) => offered)))
  const x = between(0, most, LEFT, RIGHT)
  const y = between(0, most, GOODPUT.bottom, GOODPUT.top)
  const log = between(Math.log10(TIMES_FROM), Math.log10(TIMES_TO), TIMES.bottom, TIMES.top)
  // What was not answered lies on the upper edge.
  const t: Scale = (time) => log(Math.log10(Math.min(Math.max(time, TIMES_FROM), TIMES_TO)))
  const parts = [...frame(most, x, y, t), ...curves.flatMap((curve, k) => drawn(curve, k, x, y, t))]
  const names = curves.map(({ name }) => name).join(' and ')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">
<title>Status requests through HTTP, ${names}: answers a second and their times by what is offered</title>
<style>${STYLE}</style>
${parts.join('\n')}
</svg>
`
}

function frame(most: number, x: Scale, y: Scale, t: Scale): string[] {
  const parts: string[] = []
  for (const tick of ticksTo(most)) {
    parts.push(rule('grid', LEFT, y(tick), RIGHT, y(tick)), text(LEFT - 8, y(tick) + 4, 'end', `${tick}`))
    for (const { top, bottom } of [GOODPUT, TIMES]) parts.push(rule('grid', x(tick), top, x(tick), bottom))
    parts.push(text(x(tick), TIMES.bottom + 20, 'middle', `${tick}`))
  }
  for (let time = TIMES_FROM; time <= TIMES_TO; time *= 10) {
    parts.push(rule('grid', LEFT, t(time), RIGHT, t(time)), text(LEFT - 8, t(time) + 4, 'end', `${time}`))
  }
  for (const { top, bottom, title } of [GOODPUT, TIMES]) {
    parts.push(rule('axis', LEFT, bottom, RIGHT, bottom), rule('axis', LEFT, top, LEFT, bottom))
    parts.push(text(LEFT, top - 10, 'start', title))
  }
  parts.push(rule('bound', x(0), y(0), x(most), y(most)))
  parts.push(rule('bound', LEFT, t(LONGEST_P99), RIGHT, t(LONGEST_P99)))
  parts.push(text(LEFT + 6, t(LONGEST_P99) - 6, 'start', `${LONGEST_P99} ms`))
  parts.push(text((LEFT + RIGHT) / 2, HEIGHT - 8, 'middle', 'offered, requests/s'))
  return parts
}

function drawn({ name, points }: NamedCurve, k: number, x: Scale, y: Scale, t: Scale): string[] {
  const kind = `c${k}`
  const of = (value: (point: Point) => number) => points.map((point) => [x(point.offered), value(point)] as const)
  const knee = points.findLast(keepsUp)
  const parts = [
    path(
      kind,
      of(({ goodput }) => y(goodput)),
    ),
    path(
      kind,
      of(({ p99 }) => t(p99 ?? TIMES_TO)),
    ),
    path(
      `${kind} half`,
      of(({ p50 }) => t(p50 ?? TIMES_TO)),
    ),
    text(RIGHT, 18 + 16 * k, 'end', `${name}: solid p99, dotted median, circle the knee`, kind),
  ]
  if (knee === undefined) return parts
  const circle = (at: number) => `<circle class="knee ${kind}" cx="${place(x(knee.offered))}" cy="${place(at)}" r="5"/>`
  return [...parts, circle(y(knee.goodput)), circle(t(knee.p99 ?? TIMES_TO))]
}

// Plots over the days, drawn by hand as SVG, each with a table of the same numbers.

import { SLOT_SECONDS } from '@vicinity/protocol/robert'
import { REQUEST_KINDS, type ReportData, sumOf } from './data.ts'
import { counted, escapeHtml, shown } from './html.ts'

interface Series {
  readonly name: string
  /** Said below the name. */
  readonly note: string
  readonly byDay: readonly number[]
}

interface PlotGroup {
  readonly id: string
  readonly heading: string
  readonly unit: string
  readonly text: string
  readonly series: readonly Series[]
  /** Whether all plots of the group have one scale. */
  readonly oneScale: boolean
}

const REQUEST_NOTES = {
  status: 'am I at risk?',
  renew: 'more identifiers, please',
  acknowledge: 'follows every reply',
  register: 'once for each phone',
} as const

const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1)

export function plotGroups(data: ReportData): PlotGroup[] {
  const refused = Object.entries(data.refused).map(([step, byDay]) => ({
    name: `Refused at step ${step}`,
    note: step === '5' ? 'no such account' : 'of the checks of ROBERT §6.2',
    byDay,
  }))
  return [
    {
      id: 'radio',
      heading: 'On the radio',
      unit: 'a day',
      text: `Phones broadcast; phones near receive. Of each number at most one item is kept in ${SLOT_SECONDS / 60} minutes.`,
      oneScale: false,
      series: [
        { name: 'Pairs who met', note: 'from the trace', byDay: data.contacts.map((day) => day.length / 3) },
        { name: 'HELLOs heard', note: 'by all phones', byDay: data.heard },
        { name: 'Items kept', note: 'on all phones', byDay: data.kept },
      ],
    },
    {
      id: 'requests',
      heading: 'Requests to the back-end',
      unit: 'requests a day',
      text: 'All but the registration go over one path and have one size; only the lab can tell them apart.',
      oneScale: true,
      series: REQUEST_KINDS.map((kind) => ({
        name: capital(kind),
        note: REQUEST_NOTES[kind],
        byDay: data.requests[kind],
      })),
    },
    {
      id: 'uploads',
      heading: 'Uploads by outcome',
      unit: 'items a day',
      text: 'A declared phone sends as many items for each day, whatever it heard: the rest are dummies, which the back-end cannot tell before it refuses them.',
      oneScale: true,
      series: [
        { name: 'Accepted', note: 'somebody was near', byDay: data.accepted },
        ...refused,
        { name: 'Dummies sent', note: 'as the lab sees it', byDay: data.dummies },
      ],
    },
  ]
}

export function renderPlots(data: ReportData): string {
  return plotGroups(data)
    .map((group) => {
      const highest = Math.max(...group.series.flatMap(({ byDay }) => byDay))
      const plots = group.series.map((series) =>
        renderPlot(group, series, group.oneScale ? highest : Math.max(...series.byDay)),
      )
      return `<section class="plots" aria-labelledby="${group.id}"><h3 id="${group.id}">${group.heading}</h3>
<p>${group.text}</p><div class="row">${plots.join('')}</div>${renderTable(group)}</section>`
    })
    .join('')
}

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [330, 170, 52, 10, 38]

/** A round number that is not below `highest`, and how many steps lead to it. */
export function scaleFor(highest: number): { readonly top: number; readonly steps: number } {
  if (highest <= 4) return { top: 4, steps: 4 }
  const power = 10 ** Math.floor(Math.log10(highest))
  const factor = [1, 2, 4, 5, 8, 10].find((candidate) => candidate * power >= highest)!
  return { top: factor * power, steps: factor % 4 === 0 || factor === 2 ? 4 : 5 }
}

function renderPlot(group: PlotGroup, { name, note, byDay }: Series, highest: number): string {
  const { top, steps } = scaleFor(highest)
  const plotHeight = HEIGHT - TOP - BOTTOM
  const yOf = (value: number) => TOP + plotHeight * (1 - value / top)
  const step = (WIDTH - LEFT - 4) / byDay.length
  const grid = Array.from({ length: steps + 1 }, (_, k) => (top / steps) * k).map(
    (value) =>
      `<path class="grid" d="M${LEFT} ${yOf(value).toFixed(1)}H${WIDTH}"/><text class="tick" x="${LEFT - 6}" y="${(yOf(value) + 4.5).toFixed(1)}" text-anchor="end">${shown(value)}</text>`,
  )
  const every = Math.ceil(byDay.length / 8)
  const bars = byDay.map((value, day) => {
    const x = LEFT + 2 + step * day
    const height = Math.max(plotHeight * (value / top), value > 0 ? 1.5 : 0)
    const bar = `<rect class="bar" x="${(x + step * 0.14).toFixed(1)}" y="${(TOP + plotHeight - height).toFixed(1)}" width="${(step * 0.72).toFixed(1)}" height="${height.toFixed(1)}"><title>Day ${day + 1}: ${shown(value)}</title></rect>`
    const label = `<text class="tick" x="${(x + step / 2).toFixed(1)}" y="${TOP + plotHeight + 16}" text-anchor="middle">${day + 1}</text>`
    return (value > 0 ? bar : '') + (day % every === 0 ? label : '')
  })
  const axis = `<text class="tick" x="${LEFT + (WIDTH - LEFT) / 2}" y="${HEIGHT - 5}" text-anchor="middle">day</text>`
  const told = `${name}, ${group.unit}: ${shown(sumOf(byDay))} in all, at most ${shown(Math.max(...byDay))} on one day`
  return `<figure><figcaption><strong>${escapeHtml(name)}</strong> <span class="total">${shown(sumOf(byDay))}</span><br><span class="note">${escapeHtml(note)}</span></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(told)}">${grid.join('')}${bars.join('')}${axis}</svg></figure>`
}

function renderTable(group: PlotGroup): string {
  const days = group.series[0]!.byDay.length
  const head = group.series.map(({ name }) => `<th scope="col">${escapeHtml(name)}</th>`).join('')
  const rows = Array.from({ length: days }, (_, day) => {
    const cells = group.series.map(({ byDay }) => `<td>${shown(byDay[day]!)}</td>`).join('')
    return `<tr><th scope="row">${day + 1}</th>${cells}</tr>`
  })
  const sums = group.series.map(({ byDay }) => `<td>${shown(sumOf(byDay))}</td>`).join('')
  return `<details id="table-${group.id}"><summary>${group.heading}: the numbers of ${counted(days, 'day')} as a table</summary><div class="scroll" tabindex="0" role="region" aria-label="Table: ${group.heading}"><table><caption>${group.heading}, ${group.unit}</caption><thead><tr><th scope="col">Day</th>${head}</tr></thead><tbody>${rows.join('')}</tbody><tfoot><tr><th scope="row">All</th>${sums}</tr></tfoot></table></div></details>`
}

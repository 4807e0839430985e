import type { Outcome, ReportData } from './data.ts'
import { shown } from './html.ts'

const CIRCLE = 'M7 9A5 5 0 1 1 17 9A5 5 0 1 1 7 9Z'

const LEGEND: readonly { readonly outcome: Outcome; readonly shape: string; readonly text: string }[] = [
  { outcome: 'declared', shape: 'M5 2H19V16H5Z', text: 'declared: diagnosed, and their phone sent what it had heard' },
  { outcome: 'warned', shape: 'M12 1L20 16H4Z', text: 'warned: near for long enough, and told so' },
  {
    outcome: 'exposed',
    shape: 'M12 1L20 9L12 17L4 9Z',
    text: 'exposed: near, but too shortly or too long ago for a warning',
  },
  { outcome: 'other', shape: CIRCLE, text: 'not exposed' },
  { outcome: 'none', shape: CIRCLE, text: 'without the application' },
]

const EDGES: readonly { readonly name: string; readonly text: string }[] = [
  { name: 'near', text: 'contact of somebody who declared' },
  { name: 'e2', text: 'met for 15 minutes or more' },
  { name: 'e1', text: '5 to 15 minutes' },
  { name: 'e0', text: 'less' },
]

/** The legend with the numbers of people. */
export function renderLegend({ people }: ReportData): string {
  const count = (outcome: Outcome) => people.filter((person) => person.outcome === outcome).length
  const rows = LEGEND.filter(({ outcome }) => outcome !== 'none' || count(outcome) > 0)
  const symbols = rows.map(
    ({ outcome, shape, text }) =>
      `<li><svg viewBox="0 0 24 18" aria-hidden="true"><path class="${outcome}" d="${shape}"/></svg><span><strong>${shown(count(outcome))}</strong> ${text}</span></li>`,
  )
  const lines = EDGES.map(
    ({ name, text }) =>
      `<li><svg viewBox="0 0 28 18" aria-hidden="true"><path class="edge ${name}" d="M1 9H27"/></svg><span>${text}</span></li>`,
  )
  symbols.push(
    `<li><svg viewBox="0 0 24 18" aria-hidden="true"><g class="person away"><path class="other" d="${CIRCLE}"/></g></svg><span>faint: met nobody on the chosen day</span></li>`,
  )
  return `<ul class="legend">${symbols.join('')}</ul><ul class="legend">${lines.join('')}</ul>`
}

/** The frame that the script fills. */
export function renderNetwork(data: ReportData): string {
  return `<div class="card network">
<div class="controls"><button type="button" id="play">Play</button><button type="button" id="all" aria-pressed="false">All days</button>
<label for="day">Day</label><input type="range" id="day" min="1" max="${data.day}" value="1" step="1"><output id="shown" for="day"></output></div>
<div><svg id="picture" role="listbox" tabindex="0" aria-label="People and their contacts; arrow keys go from person to person" viewBox="0 0 900 590">
<g aria-hidden="true"><path id="e0" class="edge e0"/><path id="e1" class="edge e1"/><path id="e2" class="edge e2"/><path id="near" class="edge near"/><path id="own" class="edge own"/></g>
<g id="people" role="group" aria-label="People"></g></svg></div>
<div class="side"><div><h3>What the signs mean</h3><div id="legend">${renderLegend(data)}</div></div>
<div><label for="find">Find a person</label><select id="find"><option value="-1">Choose …</option></select></div>
<div id="person" aria-live="polite"><p class="muted">Point at somebody in the picture, choose a number here, or use the arrow keys inside the picture.</p></div></div>
</div>`
}

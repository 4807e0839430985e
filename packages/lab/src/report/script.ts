import { NETWORK_SCRIPT } from './script-network.ts'

/** Begins, and while the replay runs asks for news every second. */
export const SCRIPT: string = `'use strict';
${NETWORK_SCRIPT}
let failures = 0

function take(next) {
  const people = data === undefined ? '' : JSON.stringify(data.people)
  data = next
  byId('day').max = data.day
  if (JSON.stringify(data.people) !== people) { listPeople(); arrange() }
  if (followed && !data.done) day = data.day
  draw()
}

function replaceParts(parts) {
  for (const [id, html] of Object.entries(parts)) {
    const part = byId(id)
    if (part.dataset.html === html) continue
    const open = [...part.querySelectorAll('details[open]')].map((details) => details.id)
    const focused = part.contains(document.activeElement) ? document.activeElement.closest('details') : null
    part.innerHTML = html
    part.dataset.html = html
    for (const name of open) if (byId(name)) byId(name).open = true
    if (focused && byId(focused.id)) byId(focused.id).firstElementChild.focus()
  }
}

async function refresh() {
  try {
    const { report, parts } = await (await fetch('/report.json')).json()
    failures = 0
    replaceParts(parts)
    take(report)
  } catch {
    if (++failures === 10) { byId('progress').textContent = 'The replay does not answer any more: this is as far as it came.'; return }
  }
  if (!data.done) setTimeout(refresh, 1000)
}

startNetwork()
take(JSON.parse(byId('report').textContent))
if (!data.done && location.protocol !== 'file:') setTimeout(refresh, 1000)
`

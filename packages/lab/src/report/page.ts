// The report as one page that needs nothing else: no file, no network.
import { createHash } from 'node:crypto'
import { LAB_PARAMETERS } from '../replay-options.ts'
import { RECORD_SECONDS } from './contacts.ts'
import { exposedIn, type ReportData, sumOf, warnedIn } from './data.ts'
import { counted, embeddedJson, escapeHtml, listed, shown } from './html.ts'
import { learnt } from './learnt.ts'
import { renderLegend, renderNetwork } from './network.ts'
import { renderPlots } from './plots.ts'
import { SCRIPT } from './script.ts'
import { STYLES } from './styles.ts'

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** What the page may run and load: its own script and style, news from where it came from, nothing else. */
export const REPORT_POLICY: string = `script-src ${hashOf(SCRIPT)}; style-src ${hashOf(STYLES)}; img-src data:; connect-src 'self'`

/** Whom to thank, by the name of the trace. */
const SOURCES: Readonly<Record<string, string>> = {
  workplace2013_invs13: 'M. Génois et al., Network Science 3, 326 (2015)',
  workplace2015_invs15: 'M. Génois, A. Barrat, EPJ Data Science 7, 11 (2018)',
}

/** What changes while a replay runs, by the id of the element that holds it. */
export function reportParts(data: ReportData): Record<string, string> {
  return {
    lead: lead(data),
    progress: progress(data),
    figures: figures(data),
    legend: renderLegend(data),
    plots: renderPlots(data),
    parties: parties(data),
  }
}

export function reportPage(data: ReportData): string {
  const parts = reportParts(data)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; ${REPORT_POLICY}">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>Vicinity: who was warned, and who learnt what (${escapeHtml(data.trace)})</title>
<style>${STYLES}</style>
</head>
<body>
<header>
<h1>Who was warned, and who learnt what</h1>
<p class="lead" id="lead">${parts['lead']}</p>
${options(data)}
<div class="progress" id="progress" role="status">${parts['progress']}</div>
<ul class="figures" id="figures">${parts['figures']}</ul>
</header>
<main>
<h2 id="network-heading">Who met whom</h2>
<p>Each sign is a person, each line a contact of the chosen day. Who spends much time together stands together; shape and colour show what became of them in the end.</p>
<section aria-labelledby="network-heading">${renderNetwork(data)}</section>
<noscript><p>The picture needs the script that lies in this page; everything else is below.</p></noscript>
<h2>What each party has learnt</h2>
<p>Every number here was measured in this run.</p>
<div class="parties" id="parties">${parts['parties']}</div>
<h2>Day by day</h2>
<div id="plots">${parts['plots']}</div>
</main>
<footer>${footer(data)}</footer>
<script type="application/json" id="report">${embeddedJson(data)}</script>
<script>${SCRIPT}</script>
</body>
</html>
`
}

const people = (data: ReportData, ...outcomes: string[]): number =>
  data.people.filter(({ outcome }) => outcomes.includes(outcome)).length

function lead(data: ReportData): string {
  const declared = data.options.declare.length
  const begin = `Recorded contacts of ${counted(data.people.length, 'person', 'people')}, lived through again by Vicinity: ${data.options.adoption < 1 ? `${shown(data.registered)} of them carry` : 'everybody carries'} a phone that exchanges random numbers with the phones near it`
  if (declared === 0) return `${begin}. Nobody falls ill in this run.`
  if (!data.done)
    return `${begin}; ${counted(declared, 'person', 'people')} will be diagnosed at the end, and those who were near them long enough will be warned.`
  return `${begin}; ${counted(declared, 'person is', 'people are')} diagnosed at the end, and ${counted(people(data, 'warned'), 'other is', 'others are')} warned, without anybody being told who met whom.`
}

function options(data: ReportData): string {
  const { declare, adoption, loss, filter, seed, wire } = data.options
  const percent = (share: number) => `${Math.round(share * 1000) / 10} %`
  const rows: [string, string][] = [
    ['Trace', data.trace],
    ['Diagnosed', declare.length === 0 ? 'nobody' : listed(declare)],
    ['With the application', percent(adoption)],
    ['Broadcasts lost', percent(loss)],
    [
      'Filter on the phone',
      filter === 'none' ? 'none' : `less than ${counted(LAB_PARAMETERS.filterMinutes, 'minute')} held back`,
    ],
    ['Calls', wire ? 'through HTTP' : 'in one process'],
    ['Seed', String(seed)],
  ]
  return `<dl class="options">${rows.map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`).join('')}</dl>`
}

function progress({ done, day, days }: ReportData): string {
  if (done) return `Complete: ${counted(days, 'day')} lived through.`
  return `Running: day ${day} of ${days} … <progress max="${days}" value="${day}" aria-label="Days lived through"></progress>`
}

function figures(data: ReportData): string {
  const cards: [number, string][] = [
    [data.records, `contact records of ${RECORD_SECONDS} s`],
    [sumOf(data.heard), 'HELLOs heard by phones'],
    [data.measures.identifiers.all, 'numbers held by phones'],
    [data.measures.items.sent, 'items uploaded'],
    [sumOf(data.accepted), 'items accepted'],
    [people(data, 'declared'), 'people declared'],
    [exposedIn(data), 'people exposed'],
    [warnedIn(data), 'people warned'],
  ]
  return cards.map(([number, what]) => `<li><strong>${shown(number)}</strong> ${what}</li>`).join('')
}

function parties(data: ReportData): string {
  return learnt(data)
    .map(
      ({ name, gist, sentences }) =>
        `<article class="card"><h3>${name}</h3><p class="gist">${gist}</p>${sentences.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join('')}</article>`,
    )
    .join('')
}

function footer(data: ReportData): string {
  const source = SOURCES[data.trace]
  const made =
    '<p>Made by <code>vicinity lab replay --report</code> or the demonstration. It loads nothing and sends nothing.</p>'
  if (source === undefined) return made
  return `<p>Contacts: SocioPatterns collaboration, <a href="http://www.sociopatterns.org">www.sociopatterns.org</a>; ${source}. Licence: CC0 1.0. All persons are pseudonymous in the source: do not try to re-identify anyone.</p>${made}`
}

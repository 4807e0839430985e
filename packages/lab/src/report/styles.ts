/** The look of the page. Colours are those of Okabe and Ito, lighter in the dark; shapes say the same. */
export const STYLES: string = `
:root { color-scheme: light dark; --paper: #fbfaf7; --card: #ffffff; --ink: #1c2126; --soft: #545e68; --line: #d9d8d2;
  --accent: #00568f; --bar: #3b7ea6; --declared: #c24a00; --warned: #a86400; --exposed: #0072b2; --other: #8d969e;
  --edge: #5c6670; --focus: #00568f; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181c; --card: #1d2329; --ink: #eceae4; --soft: #adb5bd; --line: #363e46; --accent: #7cc4f2;
    --bar: #5aa5d0; --declared: #ff8a4a; --warned: #f2b01e; --exposed: #63b8ef; --other: #7d8790; --edge: #aab3bb;
    --focus: #9ad4ff; }
}
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100% }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif }
header, main, footer { max-width: 77rem; margin: 0 auto; padding: 0 1.25rem }
header { padding-top: 2rem }
h1 { font-size: clamp(1.7rem, 4.4vw, 2.5rem); line-height: 1.15; margin: 0 0 .6rem; letter-spacing: -.015em }
h2 { font-size: 1.4rem; line-height: 1.25; margin: 2.2rem 0 .4rem }
h3 { font-size: 1.08rem; margin: 0 0 .2rem }
p { margin: 0 0 .7rem; max-width: 50rem }
a { color: var(--accent) }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 3px }
.lead { font-size: 1.1rem; max-width: 66rem }
.note, .muted { color: var(--soft) }
.options { display: flex; flex-wrap: wrap; gap: .15rem 1.25rem; margin: 0 0 .6rem; font-size: .9rem }
.options div { display: flex; gap: .4rem }
.options dt { color: var(--soft) } .options dd { margin: 0; font-weight: 600 }
.progress { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .8rem; margin: 0; font-weight: 600 }
progress { width: 12rem; height: .7rem; accent-color: var(--accent) }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.9rem, 1fr)); gap: .6rem; margin: 1rem 0 0; padding: 0; list-style: none }
.figures li { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .5rem .8rem .6rem; font-size: .88rem; line-height: 1.3; color: var(--soft) }
.figures strong { display: block; font-size: 1.5rem; line-height: 1.3; color: var(--ink); font-variant-numeric: tabular-nums }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .7rem }
.network { display: grid; grid-template-columns: minmax(0, 1fr); overflow: hidden }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem .8rem; padding: .7rem .9rem; border-bottom: 1px solid var(--line) }
.controls label { font-weight: 600 }
.controls input[type=range] { flex: 1 1 9rem; min-width: 7rem; height: 1.8rem; accent-color: var(--accent) }
.controls output { flex: 1 1 100%; font-variant-numeric: tabular-nums }
button, select { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); border-radius: .4rem; padding: .3rem .8rem; min-height: 2.2rem }
button { cursor: pointer } button[aria-pressed=true] { background: var(--ink); color: var(--paper) }
#picture { display: block; width: 100%; touch-action: pan-y }
#picture:focus-visible { outline-offset: -3px }
.side { padding: .9rem; border-top: 1px solid var(--line); display: grid; gap: 1.1rem; align-content: start }
.side h3 { margin-bottom: .35rem } .side select { width: 100% }
.side label { display: block; margin-bottom: .2rem; font-weight: 600 }
.legend { list-style: none; margin: 0; padding: 0; font-size: .92rem; line-height: 1.35 }
.legend li { display: flex; gap: .6rem; align-items: center; margin: .28rem 0 }
.legend svg { flex: 0 0 28px; width: 28px; height: 18px }
#person { min-height: 8.6em } #person p { margin: 0 } #person .who { font-weight: 700; font-size: 1.05rem }
@media (min-width: 60rem) {
  .network { grid-template-columns: minmax(0, 1fr) 19rem } .controls { grid-column: 1 / -1 }
  .controls output { flex: 0 0 auto } .side { border-top: 0; border-left: 1px solid var(--line) }
}
.declared { fill: var(--declared) } .warned { fill: var(--warned) } .exposed { fill: var(--exposed) } .other { fill: var(--other) }
.none { fill: none; stroke: var(--other); stroke-width: 1.5 }
.person path { stroke: var(--card); stroke-width: 1 } .person.none path { stroke: var(--other) }
.person.away { opacity: .38 } .person.on path { stroke: var(--ink); stroke-width: 2.5 }
.person text { font-size: 13px; font-weight: 700; fill: var(--ink); stroke: var(--card); stroke-width: 3.5px; paint-order: stroke }
.edge { fill: none; stroke: var(--edge) }
.e0 { stroke-width: .6; opacity: .36 } .e1 { stroke-width: 1.2; opacity: .7 } .e2 { stroke-width: 2.6; opacity: .9 }
.legend .e0 { stroke-width: .8; opacity: .7 }
.near { stroke: var(--declared); stroke-width: 1.5; opacity: .8 } .own { stroke: var(--ink); stroke-width: 1.8; opacity: .9 }
.plots { margin: 1.1rem 0 1.6rem } .row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(16.5rem, 100%), 1fr)); gap: .8rem; margin: .6rem 0 }
figure { container-type: inline-size; margin: 0; padding: .7rem .7rem .4rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem }
.row figure { width: 100%; max-width: 26rem } figure svg { display: block; width: 100%; height: auto; margin-top: .3rem }
figcaption { line-height: 1.35 } .total { float: right; font-variant-numeric: tabular-nums; font-weight: 600 } figcaption .note { font-size: .9rem }
.grid { stroke: var(--line); stroke-width: 1 } .tick { font-size: 12.5px; fill: var(--soft) } .bar { fill: var(--bar) }
@container (max-width: 18rem) { .tick { font-size: 15px } }
summary { cursor: pointer; padding: .3rem 0; color: var(--accent) }
.scroll { overflow-x: auto; max-width: 100% }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums }
caption { text-align: left; padding: .2rem 0; color: var(--soft) }
th, td { padding: .18rem .8rem .18rem 0; text-align: right; border-bottom: 1px solid var(--line); vertical-align: bottom } th:first-child { text-align: left }
.parties { columns: 3 20rem; column-gap: .8rem; margin-top: .8rem }
.parties article { break-inside: avoid; margin-bottom: .8rem; padding: .9rem 1.05rem .5rem; font-size: .97rem } .parties .gist { color: var(--accent); font-weight: 600; margin-bottom: .5rem }
footer { margin: 2.4rem auto; font-size: .9rem; color: var(--soft) } footer p { max-width: 60rem }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
@media (max-width: 37rem) { #picture .e0 { stroke-width: .4 } #picture .e1 { stroke-width: .8 } #picture .e2 { stroke-width: 1.5 } #picture .near { stroke-width: 1 } }
@media print { .controls, .side select { display: none } body { background: #fff } }
`

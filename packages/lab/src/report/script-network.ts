/** The network of contacts: runs in the reader's browser, on the data that lies in the page. */
export const NETWORK_SCRIPT: string = String.raw`
const SHAPES = {
  declared: (r) => 'M' + -r + ' ' + -r + 'H' + r + 'V' + r + 'H' + -r + 'Z',
  warned: (r) => 'M0 ' + -1.3 * r + 'L' + 1.25 * r + ' ' + 0.95 * r + 'H' + -1.25 * r + 'Z',
  exposed: (r) => 'M0 ' + -1.25 * r + 'L' + 1.25 * r + ' 0L0 ' + 1.25 * r + 'L' + -1.25 * r + ' 0Z',
  other: (r) => 'M' + -r + ' 0A' + r + ' ' + r + ' 0 1 1 ' + r + ' 0A' + r + ' ' + r + ' 0 1 1 ' + -r + ' 0Z',
}
SHAPES.none = SHAPES.other
const SIZES = { declared: 1.5, warned: 1.3, exposed: 1.2, other: 0.9, none: 0.9 }
const ORDER = ['none', 'other', 'exposed', 'warned', 'declared']
const OUTCOMES = { declared: 'declared', warned: 'exposed and warned', exposed: 'exposed', other: 'not exposed', none: 'without the application' }
const shown = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ',')
const minutes = (s) => (s < 60 ? s + ' s' : shown(Math.round(s / 60)) + ' min')
const clean = (text) => String(text).replace(/[&<>"']/g, (c) => '&#' + c.charCodeAt(0) + ';')
const byId = (id) => document.getElementById(id)

let data, day = 1, all = false, followed = true, selected = -1, hovered = -1, places = [], timer

function pairs() {
  if (!all) return data.contacts[day - 1] || []
  const sums = new Map()
  for (const list of data.contacts) for (let k = 0; k < list.length; k += 3) {
    const key = list[k] * data.people.length + list[k + 1]
    sums.set(key, (sums.get(key) || 0) + list[k + 2])
  }
  return [...sums].flatMap(([key, s]) => [Math.floor(key / data.people.length), key % data.people.length, s])
}

function arrange() {
  const picture = byId('picture')
  const width = Math.max(picture.clientWidth, 200)
  const side = document.querySelector('.side')
  const beside = side.offsetLeft > width / 2
  const height = Math.round(width < 600 ? width * 1.2 : Math.max(Math.min(width * 0.6, 560), beside ? side.offsetHeight : 0))
  const margin = width < 600 ? 14 : 26
  picture.setAttribute('viewBox', '0 0 ' + width + ' ' + height)
  const radius = Math.min(Math.max(Math.sqrt((width * height) / data.people.length) * 0.1, 2.7), 6.5)
  places = data.people.map((p) => ({
    x: margin + (p.x / 1000) * (width - 2 * margin), y: margin + (p.y / 1000) * (height - 2 * margin) }))
  const order = data.people.map((_, k) => k).sort((a, b) => ORDER.indexOf(data.people[a].outcome) - ORDER.indexOf(data.people[b].outcome))
  byId('people').innerHTML = order.map((k) => {
    const p = data.people[k], at = places[k]
    const label = p.outcome === 'declared' ? '<text aria-hidden="true" x="' + (at.x > width - 60 ? -11 : 11) + '" y="5"' +
      (at.x > width - 60 ? ' text-anchor="end"' : '') + '>' + p.id + '</text>' : ''
    return '<g role="option" aria-selected="false" id="p' + k + '" class="person ' + p.outcome + '" aria-label="Person ' + p.id + ', ' +
      OUTCOMES[p.outcome] + '" transform="translate(' + at.x.toFixed(1) + ' ' + at.y.toFixed(1) + ')"><path d="' +
      SHAPES[p.outcome](Math.round(radius * SIZES[p.outcome] * 10) / 10) + '"/>' + label + '</g>'
  }).join('')
}

const line = (a, b) => 'M' + places[a].x.toFixed(1) + ' ' + places[a].y.toFixed(1) + 'L' + places[b].x.toFixed(1) + ' ' + places[b].y.toFixed(1)

function draw() {
  const list = pairs(), paths = { e0: '', e1: '', e2: '', near: '' }, there = new Set()
  const declared = data.people.map((p) => p.outcome === 'declared')
  let seconds = 0
  for (let k = 0; k < list.length; k += 3) {
    const [a, b, s] = [list[k], list[k + 1], list[k + 2]]
    seconds += s
    there.add(a).add(b)
    paths[declared[a] || declared[b] ? 'near' : s < 300 ? 'e0' : s < 900 ? 'e1' : 'e2'] += line(a, b)
  }
  for (const name of Object.keys(paths)) byId(name).setAttribute('d', paths[name])
  data.people.forEach((_, k) => byId('p' + k).classList.toggle('away', !there.has(k)))
  byId('day').value = day
  byId('day').setAttribute('aria-valuetext', all ? 'all days' : 'day ' + day)
  byId('all').setAttribute('aria-pressed', String(all))
  byId('shown').textContent = (all ? 'All days' : 'Day ' + day) + ': ' + (list.length === 0 ? 'nobody met' :
    shown(there.size) + ' people, ' + shown(list.length / 3) + ' pairs, ' + shown(Math.round(seconds / 3600)) + ' hours together')
  showPerson()
}

function told(p) {
  if (p.outcome === 'none') return 'Has no application: heard nothing, was told nothing.'
  if (p.warnedOn) return 'Their phone said on day ' + p.warnedOn + ': you are at risk.'
  return data.done ? 'Their phone said nothing.' : 'Their phone has said nothing so far.'
}

function showPerson() {
  const k = hovered >= 0 ? hovered : selected
  for (const on of document.querySelectorAll('.person.on')) on.classList.remove('on')
  if (k < 0) { byId('own').setAttribute('d', ''); return }
  const p = data.people[k], list = pairs()
  let path = '', met = 0, seconds = 0
  for (let n = 0; n < list.length; n += 3) if (list[n] === k || list[n + 1] === k) {
    path += line(list[n], list[n + 1]); met++; seconds += list[n + 2] }
  byId('own').setAttribute('d', path)
  byId('p' + k).classList.add('on')
  byId('person').innerHTML = '<p class="who">Person ' + p.id + (p.group ? ' <span class="muted">(' + clean(p.group) + ')</span>' : '') +
    '</p><p>Outcome: ' + OUTCOMES[p.outcome] + '.</p><p>Met ' + shown(p.met) + (p.met === 1 ? ' person' : ' people') + ' in all, ' + (all ? 'for ' : met + ' on day ' + day + (met ? ', for ' : '')) +
    (all || met ? minutes(seconds) : '') + '.</p><p>Items about them that the back-end accepted: ' + shown(p.items) + '.</p><p>' + told(p) + '</p>'
}

function select(k) {
  if (selected >= 0 && byId('p' + selected)) byId('p' + selected).setAttribute('aria-selected', 'false')
  selected = k
  hovered = -1
  const picture = byId('picture')
  if (k >= 0) { byId('p' + k).setAttribute('aria-selected', 'true'); picture.setAttribute('aria-activedescendant', 'p' + k) }
  byId('find').value = String(k)
  showPerson()
}

function nearest(event) {
  const box = byId('picture').getBoundingClientRect()
  const [x, y] = [event.clientX - box.left, event.clientY - box.top]
  let found = -1, best = 24 * 24
  places.forEach((at, k) => {
    const distance = (at.x - x) ** 2 + (at.y - y) ** 2
    if (distance < best) { best = distance; found = k }
  })
  return found
}

function showDay(next) { day = Math.min(Math.max(next, 1), data.day); all = false; draw() }

function stop() { clearInterval(timer); timer = undefined; byId('play').textContent = 'Play' }

function play() {
  if (timer !== undefined) { stop(); return }
  followed = false
  showDay(day >= data.day ? 1 : day)
  byId('play').textContent = 'Pause'
  timer = setInterval(() => { if (day >= data.day) stop(); else showDay(day + 1) }, 1100)
}

function listPeople() {
  const group = (outcome) => {
    const some = data.people.map((p, k) => [p, k]).filter(([p]) => p.outcome === outcome)
    return some.length === 0 ? '' : '<optgroup label="' + OUTCOMES[outcome] + '">' +
      some.map(([p, k]) => '<option value="' + k + '">' + p.id + '</option>').join('') + '</optgroup>'
  }
  byId('find').innerHTML = '<option value="-1">Choose …</option>' + [...ORDER].reverse().map(group).join('')
  byId('find').value = String(selected)
}

function listenToPicture() {
  const picture = byId('picture')
  picture.addEventListener('pointermove', (event) => {
    const k = nearest(event)
    if (k !== hovered) { hovered = k; showPerson() }
  })
  picture.addEventListener('pointerleave', () => { hovered = -1; showPerson() })
  picture.addEventListener('click', (event) => { const k = nearest(event); if (k >= 0) select(k) })
  picture.addEventListener('focus', () => { if (selected < 0) select(Math.max(data.people.findIndex((p) => p.outcome === 'declared'), 0)) })
  picture.addEventListener('keydown', (event) => {
    const last = data.people.length - 1
    const next = { ArrowRight: selected + 1, ArrowDown: selected + 1, ArrowLeft: selected - 1, ArrowUp: selected - 1, Home: 0, End: last }[event.key]
    if (next === undefined) return
    event.preventDefault()
    select(Math.min(Math.max(next, 0), last))
  })
}

function startNetwork() {
  byId('day').addEventListener('input', (event) => { stop(); followed = false; showDay(Number(event.target.value)) })
  byId('play').addEventListener('click', play)
  byId('all').addEventListener('click', () => { stop(); followed = false; all = !all; draw() })
  byId('find').addEventListener('change', (event) => select(Number(event.target.value)))
  listenToPicture()
  new ResizeObserver(() => { arrange(); draw() }).observe(byId('picture').parentElement)
}
`

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { replay } from '../src/replay.ts'
import type { ReplayOptions } from '../src/replay-options.ts'
import { collectReport } from '../src/report/collect.ts'
import { allContacts, contactsByDay } from '../src/report/contacts.ts'
import { exposedIn, type ReportData, sumOf, warnedIn } from '../src/report/data.ts'
import { loadGroups } from '../src/report/groups.ts'
import { embeddedJson, escapeHtml, listed, shown } from '../src/report/html.ts'
import { layOut } from '../src/report/layout.ts'
import { learnt } from '../src/report/learnt.ts'
import { REPORT_POLICY, reportPage } from '../src/report/page.ts'
import { scaleFor } from '../src/report/plots.ts'
import { loadTrace, parseTrace, type Trace } from '../src/trace.ts'

const path = fileURLToPath(new URL('../../../data/contacts/workplace2013_invs13.csv.gz', import.meta.url))
const office = loadTrace(path)
const OPTIONS: ReplayOptions = { declare: [15], wire: false, adoption: 1, loss: 0, filter: 'default', seed: 1 }

interface Input {
  readonly trace?: Trace
  readonly name?: string
  readonly groups?: ReadonlyMap<number, string>
  readonly options?: Partial<ReplayOptions>
}

async function reported({ trace = office, name = 'workplace2013_invs13', groups = new Map(), options = {} }: Input) {
  const asked = { ...OPTIONS, ...options }
  const collected = collectReport({ name, trace, groups, options: asked })
  const before = collected.report()
  const { robert, world } = await replay(trace, { ...asked, watch: collected.watch })
  const result = robert!
  const { counts } = world.countries[0]!.deps
  await world.close()
  return { before, data: collected.report(), result, counts }
}

const office15 = await reported({})

test('the numbers of a report are those of the result and of the trace', () => {
  const { data, result, counts } = office15
  assert.equal(data.done, true)
  assert.equal(data.records, result.records)
  assert.equal(data.registered, result.registered)
  assert.equal(data.measures.identifiers.all, result.receiverEbidPairs)
  assert.equal(sumOf(data.heard), 2 * result.records, 'each record is heard on both sides')
  assert.equal(data.measures.items.sent, result.itemsUploaded)
  assert.equal(sumOf(data.accepted), result.itemsAccepted)
  assert.deepEqual(Object.fromEntries(Object.entries(data.refused).map(([k, v]) => [k, sumOf(v)])), result.itemsRefused)
  assert.equal(exposedIn(data), result.exposed)
  assert.equal(warnedIn(data), result.atRisk)
  const ids = (outcome: string) => data.people.filter((person) => person.outcome === outcome).map(({ id }) => id)
  assert.deepEqual(ids('declared'), [15])
  assert.deepEqual(ids('warned'), result.atRiskIds)
  assert.deepEqual([...ids('warned'), ...ids('exposed')].sort(), [...result.exposedIds].sort())
  assert.equal(sumOf(data.people.map(({ items }) => items)), result.itemsAccepted)
  for (const kind of ['status', 'renew', 'acknowledge'] as const) {
    assert.equal(sumOf(data.requests[kind]), counts.get(`request.${kind}`) ?? 0, kind)
  }
  assert.equal(sumOf(data.requests.register), result.registered)
})

test('the contacts of the days are those of the trace', () => {
  const { data } = office15
  const seconds = data.contacts.flatMap((day) => day.filter((_, k) => k % 3 === 2))
  assert.equal(sumOf(seconds), 20 * office.times.length)
  assert.equal(allContacts(contactsByDay(office, data.days)).length, 755, 'as the source of the data says')
  const met = (id: number) =>
    new Set(
      [...office.left].flatMap((left, k) => (left === id ? [office.right[k]] : office.right[k] === id ? [left] : [])),
    )
  for (const id of [15, 95, 271]) assert.equal(data.people.find((person) => person.id === id)!.met, met(id).size)
})

test('dummies are what is neither accepted nor heard; tokens are as many for each day', () => {
  const { data } = office15
  assert.equal(data.measures.items.dummies + sumOf(data.accepted), data.measures.items.sent)
  assert.equal(sumOf(data.dummies), data.measures.items.dummies)
  assert.deepEqual(data.measures.tokensPerDay, { least: 256, most: 256 })
  assert.equal(data.measures.codes, 1)
})

test('on the one path there is one size, and no phone can follow a number for longer than an epoch', () => {
  const { measures } = office15.data
  assert.equal(measures.requestSizes.length, 1)
  assert.equal(measures.replySizes.length, 1)
  assert.ok(measures.longestTrack < measures.epochSeconds)
  assert.ok(measures.warned.phones > 0)
  assert.ok(measures.warned.aDay.least >= measures.unwarned.aDay.least)
  assert.ok(measures.warned.aDay.most <= measures.unwarned.aDay.most)
})

test('a replay that is watched has the result of one that is not; equal seeds give equal pages', async () => {
  const options = { adoption: 0.8, loss: 0.1, declare: [] }
  const [first, second, other] = [
    await reported({ options }),
    await reported({ options }),
    await reported({ options: { ...options, seed: 2 } }),
  ]
  const { robert, world } = await replay(office, { ...OPTIONS, ...options })
  const result = robert!
  await world.close()
  const { seconds: _, ...alone } = result
  const { seconds: __, ...watched } = first.result
  assert.equal(JSON.stringify(watched), JSON.stringify(alone))
  assert.equal(reportPage(first.data), reportPage(second.data))
  assert.notEqual(reportPage(first.data), reportPage(other.data))
  assert.equal(first.data.people.filter(({ outcome }) => outcome === 'none').length, 18)
})

test('before the replay, and in its middle, a report is whole and holds no day to come', async () => {
  assert.equal(office15.before.done, false)
  assert.equal(office15.before.day, 1)
  assert.match(reportPage(office15.before), /Running: day 1 of \d+ …/)
  const collected = collectReport({ name: 'x', trace: office, groups: new Map(), options: OPTIONS })
  const seen: ReportData[] = []
  const onProgress = () => seen.push(structuredClone(collected.report()))
  const { world } = await replay(office, { ...OPTIONS, watch: collected.watch, onProgress })
  await world.close()
  const middle = seen.find(({ day }) => day === 4)!
  assert.equal(middle.done, false)
  assert.ok(sumOf(middle.heard) > 0 && middle.contacts.slice(4).every((day) => day.length === 0))
  assert.equal(middle.people.filter(({ outcome }) => outcome !== 'other').length, 0)
  assert.match(reportPage(middle), /Running: day 4 of \d+ …/)
})

test('the page needs nothing else: no address but that of the source of the contacts, and a policy that allows none', () => {
  const page = reportPage(office15.data)
  assert.deepEqual(new Set(page.match(/[a-z]+:\/\/[^"'\s<]*/g)), new Set(['http://www.sociopatterns.org']))
  assert.doesNotMatch(page, /<(?:img|iframe|object|embed|base|form)|\bsrc=|@import|url\(|\sstyle=|\son[a-z]+=/)
  assert.equal(page.match(/<link/g)?.length, 1)
  assert.ok(page.includes("default-src 'none'") && page.includes(REPORT_POLICY))
  assert.doesNotMatch(REPORT_POLICY, /unsafe|\*/)
  assert.ok(page.length < 1_500_000)
  assert.equal(reportPage({ ...office15.data, trace: 'mine' }).includes('://'), false)
})

test('hostile names stay text, in the page and in the data', async () => {
  const hostile = '</script><script>alert(1)</script><!--"\'&'
  const trace = parseTrace(Array.from({ length: 60 }, (_, k) => `${32_400 + 20 * k},1,2`).join('\n'))
  const { data } = await reported({ trace, name: hostile, groups: new Map([[2, hostile]]), options: { declare: [1] } })
  const page = reportPage(data)
  assert.equal(page.match(/<script/g)?.length, 2)
  assert.equal(page.match(/<\/script/g)?.length, 2)
  assert.doesNotMatch(page, /alert\(1\)<\/script>|<!--/)
  const embedded = /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(page)![1]!
  assert.deepEqual(JSON.parse(embedded), JSON.parse(JSON.stringify(data)))
  assert.equal(
    escapeHtml(hostile)
      .replaceAll(/&(?:amp|lt|gt|quot|#39);/g, '')
      .match(/[<>"'&]/),
    null,
  )
  assert.equal(embeddedJson(hostile).includes('<'), false)
})

test('the parties are told in the numbers of the run', () => {
  const { data, result } = office15
  const told = new Map(learnt(data).map(({ name, sentences }) => [name, sentences.join(' ')]))
  assert.equal(told.size, 5)
  assert.match(told.get('A phone near you')!, new RegExp(`hold ${shown(result.receiverEbidPairs)} numbers`))
  assert.match(told.get('Who listens on the network')!, /every request had \d+ bytes, every reply had [\d,]+ bytes/)
  assert.match(told.get('Who listens on the network')!, /hidden among the others/)
  assert.match(told.get('The back-end')!, new RegExp(`${shown(result.itemsUploaded)} items`))
  assert.match(told.get('The back-end')!, /issuer and the back-end together could link a code to its items/)
  assert.match(told.get('The health authority')!, /256 tokens for each person and day/)
  assert.match(told.get('The users')!, new RegExp(`one bit: ${shown(result.atRisk)} phones? said`))
})

test('the picture depends on the contacts alone, stays inside, and nobody covers another', () => {
  const pairs = allContacts(contactsByDay(office, 20))
  const places = layOut(office.people.length, pairs)
  assert.deepEqual(layOut(office.people.length, pairs), places)
  assert.ok(places.every(({ x, y }) => x >= 0 && x <= 1000 && y >= 0 && y <= 1000))
  const closest = Math.min(
    ...places.flatMap((a, k) => places.slice(k + 1).map((b) => Math.hypot(a.x - b.x, a.y - b.y))),
  )
  assert.ok(closest > 30, `${closest}`)
  assert.deepEqual(layOut(1, []).length, 1)
})

test('departments lie beside the trace, or there are none', () => {
  assert.equal(loadGroups(path).get(15), 'DSE')
  assert.equal(loadGroups('no-such-file.csv').size, 0)
})

test('numbers are written for people, and axes end at round ones', () => {
  assert.deepEqual([shown(0), shown(999), shown(1000), shown(1_234_567)], ['0', '999', '1,000', '1,234,567'])
  assert.deepEqual([listed([]), listed([1]), listed([1, 2]), listed([1, 2, 3])], ['', '1', '1 and 2', '1, 2 and 3'])
  for (const highest of [0, 1, 4, 5, 9, 10, 11, 99, 651, 5547, 24_324]) {
    const { top, steps } = scaleFor(highest)
    assert.ok(top >= highest && top <= Math.max(4, 2 * highest) && Number.isInteger(top / steps), `${highest} ${top}`)
  }
})

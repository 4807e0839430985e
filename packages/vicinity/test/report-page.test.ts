import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { loadTrace, type ReportData, replay, reportPage } from '@vicinity/lab'
import { DEFAULT_SETTINGS, serve } from '@vicinity/server'
import type { Browser, Page } from 'playwright-core'
import { reportOf, reportPages } from '../src/report.ts'
import { complaintsOf, needsBrowser, openBrowser, overhang, violationsOn } from './browser.ts'

const path = fileURLToPath(new URL('../../../data/contacts/workplace2013_invs13.csv.gz', import.meta.url))
const wanted = needsBrowser()

let browser: Browser
/** The report on the fourth day, and in the end. */
let middle: ReportData
let end: ReportData
let file: string

before(async () => {
  if (wanted.skip !== undefined) return
  browser = await openBrowser()
  const trace = loadTrace(path)
  const options = { declare: [15, 95], wire: false, adoption: 1, loss: 0, filter: 'default', seed: 1 } as const
  const { watch, report } = reportOf(path, trace, options)
  const onProgress = () => {
    if (report().day === 4) middle ??= structuredClone(report())
  }
  const { world } = await replay(trace, { ...options, watch, onProgress })
  await world.close()
  end = report()
  file = join(mkdtempSync(join(tmpdir(), 'report-')), 'report.html')
  writeFileSync(file, reportPage(end))
})
after(() => browser?.close())

async function open(url: string, width: number, colorScheme: 'light' | 'dark' = 'light') {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
  const complaints = complaintsOf(page)
  await page.goto(url)
  await page.locator('#people .person').first().waitFor({ state: 'attached' })
  return { page, complaints }
}

const text = async (page: Page, selector: string): Promise<string> => (await page.locator(selector).textContent()) ?? ''

for (const width of [360, 1440]) {
  for (const scheme of ['light', 'dark'] as const) {
    test(
      `the report at ${width} px, ${scheme}: no complaint, nothing for axe, no scrolling to the side`,
      wanted,
      async () => {
        const { page, complaints } = await open(pathToFileURL(file).href, width, scheme)
        assert.equal(await page.locator('#people .person').count(), 92)
        assert.equal(await overhang(page), 0)
        assert.deepEqual(await violationsOn(page), [])
        for (const details of await page.locator('summary').all()) await details.click()
        await page.locator('#all').click()
        await page.locator('#find').selectOption({ label: '15' })
        assert.deepEqual(await violationsOn(page), [])
        assert.equal(await overhang(page), 0)
        assert.deepEqual(complaints, [])
        await page.close()
      },
    )
  }
}

test('slider, buttons and people answer to the keyboard and to the pointer', wanted, async () => {
  const { page, complaints } = await open(pathToFileURL(file).href, 1440)
  assert.match(await text(page, '#shown'), /^Day 1: \d+ people/)
  await page.locator('#day').focus()
  await page.keyboard.press('ArrowRight')
  assert.match(await text(page, '#shown'), /^Day 2: /)
  await page.keyboard.press('End')
  assert.match(await text(page, '#shown'), new RegExp(`^Day ${end.days}: `))
  await page.locator('#play').focus()
  await page.keyboard.press('Enter')
  assert.match(await text(page, '#shown'), /^Day 1: /)
  await page.locator('#shown', { hasText: /^Day 2: / }).waitFor()
  await page.keyboard.press('Enter')
  await page.locator('#picture').focus()
  assert.match(await text(page, '#person'), /^Person 15 .*Outcome: declared/)
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  const second = end.people[1]!
  assert.match(await text(page, '#person'), new RegExp(`^Person ${second.id} .*Met ${second.met} people in all`))
  assert.equal(await page.locator('#picture').getAttribute('aria-activedescendant'), 'p1')
  const warned = end.people.find(({ outcome }) => outcome === 'warned')!
  await page.locator('#people .person.warned').first().hover()
  assert.match(
    await text(page, '#person'),
    new RegExp(`^Person ${warned.id} .*on day ${warned.warnedOn}: you are at risk`),
  )
  assert.deepEqual(complaints, [])
  await page.close()
})

test(
  'while a replay runs the page follows it, under the policy of the server, and stops asking when it is done',
  wanted,
  async () => {
    let now = middle
    let asked = 0
    const pages = reportPages({ report: () => now })
    const counting = {
      '/': pages['/']!,
      '/report.json': () => {
        asked++
        return pages['/report.json']!()
      },
    }
    const running = await serve({
      settings: DEFAULT_SETTINGS,
      store: 'sqlite::memory:',
      keys: undefined,
      host: '127.0.0.1',
      port: 0,
      pages: counting,
    })
    const { page, complaints } = await open(running.url, 1440)
    assert.match(await text(page, '#progress'), new RegExp(`Running: day 4 of ${end.days}`))
    assert.match(await text(page, '#shown'), /^Day 4: /)
    assert.equal(await page.locator('#people .person.warned').count(), 0)
    assert.deepEqual(await violationsOn(page), [])
    now = end
    await page.locator('#people .person.warned').first().waitFor()
    assert.match(await text(page, '#progress'), /^Complete/)
    const then = asked
    await page.waitForTimeout(1500)
    assert.equal(asked, then)
    assert.deepEqual(complaints, [])
    await page.close()
    await running.close()
  },
)

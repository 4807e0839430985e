import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'

const PLACES = [
  process.env['VICINITY_CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const executablePath = PLACES.find((path) => path !== '' && existsSync(path))

/** Options of a test that needs a browser: without one it says so, except where CI is set, where it fails. */
export function needsBrowser(): { readonly skip?: string } {
  const skip = 'no Chromium here; install it, or name it in VICINITY_CHROMIUM'
  return executablePath !== undefined || process.env['CI'] ? {} : { skip }
}

export function openBrowser(): Promise<Browser> {
  assert.ok(executablePath !== undefined, 'Chromium is missing: apt-get install chromium')
  const args = [
    '--headless=new',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // Its sandbox does not work for root, and containers of CI are root.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  ]
  return chromium.launch({ executablePath, args })
}

/** Everything that the page complained about, as it comes. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('requestfailed', (request) => complaints.push(`no answer for ${request.url()}`))
  return complaints
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Found {
  readonly passes: readonly unknown[]
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[]
}

/** What axe finds, and that it looked. */
export async function violationsOn(page: Page): Promise<string[]> {
  await page.evaluate(`${axe};0`)
  const run = "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'best-practice'] })"
  const { passes, violations } = (await page.evaluate(run)) as Found
  assert.ok(passes.length > 20, 'axe has looked')
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
}

/** By how much the page is wider than the window. */
export const overhang = async (page: Page): Promise<number> =>
  Number(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'))

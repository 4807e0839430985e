import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { complaintsOf } from '../../packages/vicinity/test/browser.ts'
import { ROOT } from '../tidy/source.ts'
import { type Answer, openSite } from './site.ts'

/** What a page of ours must allow: its own modules, and WebAssembly. */
export const SCRIPTS = "'self' 'wasm-unsafe-eval'"

interface Options {
  /** What script-src allows; the import map is allowed by its hash. */
  readonly scripts?: string
  /** Milliseconds until the page must have answered. */
  readonly patience?: number
}

export interface Ran<Result> {
  readonly result: Result
  /** Paths of the modules that the page loaded, from the root of the repository. */
  readonly loaded: readonly string[]
}

/**
 * Calls `run` of a module of this repository in a page of its own. What it is given and what it gives go through JSON; name it
 * (`runInBrowser<typeof run>`) and both are checked. The module and all that it imports are the source, with its types
 * stripped; packages are found as in a browser, so that #crypto is crypto/noble.ts. Fails also when the page complained.
 */
export async function runInBrowser<Run extends (given: never) => unknown>(
  browser: Browser,
  module: URL,
  given: Parameters<Run>[0],
  { scripts = SCRIPTS, patience = 60_000 }: Options = {},
): Promise<Ran<Awaited<ReturnType<Run>>>> {
  const entry = fileURLToPath(module).slice(ROOT.length).replaceAll('\\', '/')
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  // It may fail while the page still loads.
  promise.catch(() => {})
  const site = await openSite({ entry, given, scripts, onAnswer: resolve })
  const page = await browser.newPage()
  const complaints = complaintsOf(page)
  page.on('crash', () => reject(new Error(`${entry}: the page crashed`)))
  const explained = (what: string) => new Error([`${entry}: ${what}`, ...site.faults, ...complaints].join('\n'))
  const timer = setTimeout(() => reject(explained(`no answer in ${patience} ms`)), patience)
  try {
    await page.goto(site.url)
    const { result, error } = await promise
    // What the page said before it answered has come when this comes back.
    await page.evaluate(() => 0)
    if (error !== undefined) throw explained(error)
    if (site.faults.length + complaints.length > 0) throw explained('the page complained')
    return { result: result as Awaited<ReturnType<Run>>, loaded: site.loaded }
  } finally {
    clearTimeout(timer)
    await page.close()
    await site.close()
  }
}

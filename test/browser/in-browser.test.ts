// What runs modules in a browser notices what goes wrong there: without that, tests in pages would prove nothing.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { needsBrowser, openBrowser } from '../../packages/vicinity/test/browser.ts'
import { ROOT } from '../tidy/source.ts'
import { runInBrowser, SCRIPTS } from './in-browser.ts'
import type * as kernels from './kernels-page.ts'
import type * as planted from './planted-page.ts'
import { openSite } from './site.ts'

const wanted = needsBrowser()
const pageOf = (name: string): URL => new URL(`./${name}-page.ts`, import.meta.url)

let browser: Browser
before(async () => {
  if (wanted.skip === undefined) browser = await openBrowser()
})
after(() => browser?.close())

const run = (what: Parameters<typeof planted.run>[0], patience = 60_000) =>
  runInBrowser<typeof planted.run>(browser, pageOf('planted'), what, { patience })

test(
  'a module runs in the browser, in a page that is isolated from others, and its answer comes back',
  wanted,
  async () => {
    const { result, loaded } = await run('answer')
    assert.deepEqual(result, { bytes: [1, 2, 3], isolated: true })
    assert.deepEqual(loaded, ['test/browser/runner.ts', 'test/browser/planted-page.ts'])
  },
)

test('planted: what a page throws, complains of, cannot load or never answers is found', wanted, async () => {
  // The place is that of the source.
  await assert.rejects(run('throw'), /RangeError: planted\n.*planted-page\.ts:6:/)
  await assert.rejects(run('complain'), /the page complained\nplanted/)
  await assert.rejects(run('load'), /nowhere\.ts: Error: is no module of a page/)
  await assert.rejects(run('hang', 500), /no answer in 500 ms/)
  const missing = runInBrowser<() => void>(browser, pageOf('missing'), undefined)
  await assert.rejects(missing, /missing-page\.ts: Error: is no module of a page/)
})

test('planted: evaluated text is refused, and the kernels need what the policy allows them', wanted, async () => {
  await assert.rejects(run('evaluate'), /EvalError/)
  const given = { skinny: [{ key: '00'.repeat(24), plain: '' }], hmac: [] }
  const kernelsUnder = (scripts: string) =>
    runInBrowser<typeof kernels.run>(browser, pageOf('kernels'), given, { scripts })
  await assert.rejects(kernelsUnder("'self'"), /CompileError.*Content Security Policy/)
  assert.equal((await kernelsUnder("'self' 'wasm-unsafe-eval'")).result.skinny.length, 1)
})

test('the site gives modules of the repository and nothing else', async () => {
  const site = await openSite({ entry: '', given: undefined, scripts: SCRIPTS, onAnswer: () => {} })
  const status = async (path: string) => (await fetch(new URL(path, site.url))).status
  const refused = [
    'package.json',
    'vectors/robert.json',
    'packages/protocol/package.json',
    'node_modules/typescript/lib/tsc.js',
  ]
  for (const path of [
    ...refused,
    'packages/../scripts/test.ts',
    'packages/%2e%2e/scripts/test.ts',
    'packages/..%2fscripts/test.ts',
  ]) {
    assert.equal(await status(path), 404, path)
  }
  assert.equal(site.faults.length, 7)
  const page = await fetch(site.url)
  const policy = page.headers.get('content-security-policy') ?? ''
  assert.match(
    policy,
    /^default-src 'none'; connect-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'sha256-[^ ]{44}'$/,
  )
  const source = await fetch(new URL('packages/protocol/src/kernels/load.ts', site.url))
  assert.equal(source.headers.get('content-type'), 'text/javascript; charset=utf-8')
  const own = readFileSync(`${ROOT}packages/protocol/src/kernels/load.ts`, 'utf8')
  assert.equal((await source.text()).length, own.length)
  await site.close()
})

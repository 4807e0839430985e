// Matching in a browser: the kernels and what is around them give the pairs of the plain reference there too.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { chanceOf, heardBy, MATCHES, RHYTHMS, someKeys } from '../../bench/matching-sets.ts'
import { toHex } from '../../packages/protocol/src/bytes.ts'
import { matches } from '../../packages/protocol/test/oracle/matching.ts'
import { needsBrowser, openBrowser } from '../../packages/vicinity/test/browser.ts'
import { runInBrowser } from './in-browser.ts'
import type * as page from './matching-page.ts'

const wanted = needsBrowser()

let browser: Browser
before(async () => {
  if (wanted.skip === undefined) browser = await openBrowser()
})
after(() => browser?.close())

test(
  'in the browser 500 diagnosis keys match the sightings that they match in the plain reference',
  wanted,
  async () => {
    const chance = chanceOf('matching in the browser')
    const keys = someKeys(500, chance)
    for (const [rhythm, count] of [
      [RHYTHMS.office, 3000],
      [RHYTHMS.bursts, 200],
    ] as const) {
      const sightings = heardBy(rhythm, count, keys, chance)
      const expected = matches(keys, sightings)
      assert.equal(expected.length, MATCHES)
      const { result, loaded } = await runInBrowser<typeof page.run>(
        browser,
        new URL('./matching-page.ts', import.meta.url),
        {
          keyData: toHex(keys.keyData),
          starts: [...keys.starts],
          periods: [...keys.periods],
          identifiers: toHex(sightings.identifiers),
          times: [...sightings.times],
          rounds: 1,
        },
      )
      assert.deepEqual(result.matches, expected)
      assert.ok(loaded.includes('packages/protocol/src/kernels/rpi.generated.ts'))
    }
  },
)

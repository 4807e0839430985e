// The titles of all tests, as they stand in the sources.
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const sources = globSync(['packages/*/test/**/*.ts', 'test/**/*.ts'], { cwd: ROOT })
  .filter((path) => !path.includes('tidy'))
  .map((path) => readFileSync(`${ROOT}${path}`, 'utf8'))
  .join('\n')

/** Whether some test has exactly this title. */
export const namesTest = (title: string): boolean =>
  [`'${title.replaceAll("'", "\\'")}'`, `"${title}"`].some((quoted) => sources.includes(quoted))

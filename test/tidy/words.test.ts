// Words that no tracked file holds: paths of one machine, unfinished business, tests that do not run.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { test } from 'node:test'
import { lineOf, ROOT, readSource, type SourceFile } from './source.ts'

interface Ban {
  readonly name: string
  readonly applies: (path: string) => boolean
  readonly pattern: RegExp
  /** Text that breaks the rule, and where; put together so that this file does not break it. */
  readonly planted: readonly (readonly [path: string, text: string])[]
  readonly right: readonly (readonly [path: string, text: string])[]
}

const isTest = (path: string): boolean => /(?:^|\/)test\//.test(path)
const isLock = (path: string): boolean => path === 'package-lock.json'
const joined = (...parts: string[]): string => parts.join('')
const words = (...parts: string[]): RegExp => new RegExp(joined(...parts), 'g')

const BANS: readonly Ban[] = [
  {
    name: 'no path of one machine',
    applies: () => true,
    pattern: words('/wo', 'rk/|/ho', 'me/\\w|/Us', 'ers/\\w|\\.\\./sha', 'red'),
    planted: [
      ['docs/a.md', joined('see /wo', 'rk/main')],
      ['scripts/a.ts', joined('/ho', 'me/someone')],
      ['docs/a.md', joined('../sha', 'red/design.md')],
    ],
    right: [['docs/a.md', 'packages/server/src/flows/upload.ts']],
  },
  {
    name: 'no temporary path outside tests',
    applies: (path) => !isTest(path),
    pattern: words('/t', 'mp/'),
    planted: [['scripts/a.ts', joined("'/t", "mp/a'")]],
    right: [['packages/server/test/a.test.ts', joined("'/t", "mp/a'")]],
  },
  {
    name: 'no address of a package registry',
    applies: () => true,
    pattern: words('npm', 'js|registry\\.np', 'm|"resolved": "ht', 'tp'),
    planted: [
      ['package-lock.json', joined('  "resolved": "ht', 'tps://example.org/a.tgz"')],
      ['README.md', joined('www.npm', 'js.com')],
    ],
    right: [['package-lock.json', '"resolved": "packages/client"']],
  },
  {
    name: 'nothing left to do',
    applies: (path) => !isLock(path),
    pattern: words('\\b(?:TO', 'DO|FIX', 'ME|X', 'XX|HA', 'CK)\\b'),
    planted: [
      ['packages/server/src/a.ts', joined('// TO', 'DO: later')],
      ['docs/a.md', joined('FIX', 'ME')],
      ['docs/a.md', joined('X', 'XX')],
    ],
    right: [['docs/a.md', 'to do; HACKNEY']],
  },
  {
    name: 'every test runs',
    applies: isTest,
    pattern: words('\\.(?:on', 'ly|sk', 'ip|to', 'do)\\(|\\b(?:on', 'ly|sk', 'ip|to', 'do): '),
    planted: [
      ['test/a.test.ts', joined('test.on', "ly('a', f)")],
      ['packages/client/test/a.test.ts', joined('t.sk', 'ip()')],
      ['test/a.test.ts', joined("test('a', { to", "do: 'later' }, f)")],
    ],
    right: [['scripts/test.ts', joined('counts.sk', 'ip(1)')]],
  },
]

/** Tracked files; where there is no Git, or none that answers here, all files but those that Git would not track. */
function trackedPaths(): string[] {
  try {
    const listed = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' })
    // An unpacked archive inside somebody else's repository has none.
    if (listed !== '') return listed.split('\0').filter(Boolean)
  } catch {
    // No Git.
  }
  const exclude = ['**/node_modules', '**/dist', '**/coverage', '.git', '.vicinity', '**/*.tsbuildinfo']
  const entries = globSync(['**/*', '.*', '.*/**/*'], { cwd: ROOT, exclude, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(ROOT.length).replaceAll('\\', '/'))
}

const copied = /^(?:vectors|data)\//

const findings = (ban: Ban, files: readonly SourceFile[]): string[] =>
  files
    .filter(({ path }) => ban.applies(path) && !copied.test(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(ban.pattern)].map((match) => `${path}:${lineOf(text, match.index)} ${match[0]}`),
    )

const paths = trackedPaths().filter((path) => !copied.test(path) && existsSync(`${ROOT}${path}`))
const files = paths.map(readSource)

test('there are tracked files to look at', () => {
  for (const path of ['package.json', 'package-lock.json', 'biome.json', 'scripts/run.mjs']) {
    assert.ok(paths.includes(path), path)
  }
  assert.ok(!paths.some((path) => path.includes('node_modules/')))
})

for (const ban of BANS) {
  test(ban.name, () => {
    assert.deepEqual(findings(ban, files), [])
  })
  test(`planted: '${ban.name}' can fail`, () => {
    for (const [path, text] of ban.planted) assert.equal(findings(ban, [{ path, text }]).length, 1, text)
    for (const [path, text] of ban.right) assert.deepEqual(findings(ban, [{ path, text }]), [], text)
  })
}

test('what was copied from elsewhere is exempt', () => {
  const text = joined('/wo', 'rk/')
  assert.deepEqual(findings(BANS[0]!, [{ path: 'vectors/a.json', text }]), [])
})

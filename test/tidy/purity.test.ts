// What a room may not touch: the protocol and the phone's core have no clock, no chance and no platform of their own, and the
// rest takes its time from its edges.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf, matchesIn, type SourceFile, sourcesIn } from './source.ts'

interface Ban {
  readonly name: string
  /** Beginnings of the paths that it holds for. */
  readonly where: readonly string[]
  /** Beginnings of paths that are exempt. */
  readonly except: readonly string[]
  readonly pattern: RegExp
  /** Code that breaks the rule. */
  readonly planted: readonly string[]
  /** Code that looks like it and is right. */
  readonly right: readonly string[]
}

const PROTOCOL = 'packages/protocol/src/'
const PURE = [PROTOCOL, 'packages/client/src/']
/** Where the platform is: the cryptography of Node, and the hosts that perform a phone's effects. */
const PLATFORM = ['packages/protocol/src/crypto/node.ts', 'packages/client/src/hosts/']
/** The only files that read a clock. Everything else is given `at`. */
const CLOCK_READERS = [
  'packages/client/src/hosts/',
  'packages/server/src/main.ts',
  // For the grid on which replies leave.
  'packages/server/src/http.ts',
  'packages/lab/src/clock.ts',
  'packages/vicinity/src/',
]

const BANS: readonly Ban[] = [
  {
    name: 'no clock, no timer, no chance',
    where: PURE,
    except: PLATFORM,
    pattern:
      /\b(?:Date|Temporal|performance|setTimeout|setInterval|setImmediate|queueMicrotask|requestAnimationFrame)\b|\bMath\s*\.\s*random\b/g,
    planted: ['new Date(1)', 'performance.now()', 'setTimeout(f, 1)', 'queueMicrotask(f)', 'const x = Math.random()'],
    right: ['type D = Date', "throw new Error('no Date')", '// Date', 'const updated = dateless'],
  },
  {
    name: 'no platform',
    where: PURE,
    except: PLATFORM,
    pattern:
      /(?<![.\w$])(?:fetch|process|console|Buffer|globalThis|require|XMLHttpRequest|WebSocket|localStorage|indexedDB)\b|\b(?:getRandomValues|randomUUID|randomBytes)\b|\bimport\s*\.\s*meta\b/g,
    planted: ['fetch(url)', 'process.env', 'console.log(1)', 'Buffer.from(a)', 'globalThis.Date', 'import.meta.url'],
    right: ['processContacts(a)', 'deps.fetch(a)', 'const t = `console`'],
  },
  {
    name: 'synchronous',
    where: [PROTOCOL],
    except: [],
    pattern: /\b(?:async|await|Promise)\b/g,
    planted: ['async function f() {}', 'const a = async () => await b', 'new Promise(f)'],
    right: ['type Call = () => Promise<void>', 'const awaited = 1'],
  },
  {
    name: 'only the edges read a clock',
    where: ['packages/'],
    except: [
      ...CLOCK_READERS,
      ...['protocol', 'client', 'server', 'lab', 'vicinity'].map((room) => `packages/${room}/test/`),
    ],
    pattern: /\bDate\s*\.\s*now\b|\bDate\s*\(\s*\)|\bperformance\s*\.\s*now\b|\bhrtime\b|\bTemporal\s*\.\s*Now\b/g,
    planted: ['Date.now()', 'new Date()', 'performance.now()', 'process.hrtime.bigint()'],
    right: ['new Date(at * 1000).toISOString()', 'deps.now()'],
  },
  {
    name: 'no chance that cannot be repeated',
    where: ['packages/', 'test/', 'scripts/'],
    except: [],
    pattern: /\bMath\s*\.\s*random\b|\bMath\s*\[|\{[^}]*\brandom\b[^}]*\}\s*=\s*Math\b/g,
    planted: ['Math.random()', 'const { random } = Math', "Math['random']()"],
    right: ['random(16)', 'Math.floor(1.5)'],
  },
  {
    name: 'no bitwise operator on times',
    where: ['packages/protocol/src/time.ts'],
    except: [],
    pattern: /(?<!\|)\|(?!\|)|(?<!&)&(?!&)|\^|~|<<|>>/g,
    planted: ['a | 0', 'a & 0xffff', 'a ^ b', '~a', 'a << 1', 'a >> 1', 'a >>> 0', 'a |= 1', 'a &= 1'],
    right: ['type A = number & { readonly b: 1 | 2 }', 'a || b && c', 'a ||= b', 'const f = (a: number | string) => a'],
  },
]

const applies = ({ where, except }: Ban, path: string): boolean =>
  where.some((start) => path.startsWith(start)) && !except.some((start) => path.startsWith(start))

const findings = (ban: Ban, files: readonly SourceFile[]): string[] =>
  files.filter(({ path }) => applies(ban, path)).flatMap((file) => matchesIn(file, ban.pattern))

const sources = sourcesIn(
  'packages/*/{src,test}/**/*.ts',
  'packages/*/bin/*.mjs',
  'test/**/*.ts',
  'scripts/**/*.{ts,mjs}',
)

for (const ban of BANS) {
  test(`${ban.name}: ${ban.where.join(', ')}`, () => {
    assert.ok(sources.some(({ path }) => applies(ban, path)))
    assert.deepEqual(findings(ban, sources), [])
  })
  const path = ban.where[0]!.endsWith('.ts') ? ban.where[0]! : `${ban.where[0]}planted.ts`
  test(`planted: '${ban.name}' can fail`, () => {
    for (const text of ban.planted) assert.notDeepEqual(findings(ban, [{ path, text }]), [], text)
    for (const text of ban.right) assert.deepEqual(findings(ban, [{ path, text }]), [], text)
  })
}

const platformImports = (files: readonly SourceFile[]): string[] =>
  files
    .filter(
      ({ path }) => PURE.some((start) => path.startsWith(start)) && !PLATFORM.some((start) => path.startsWith(start)),
    )
    .flatMap(importsOf)
    .filter(({ specifier }) => specifier.startsWith('node:'))
    .map(({ specifier, place }) => `${place} ${specifier}`)

test('the protocol and the core of the phone import nothing of the platform', () => {
  assert.deepEqual(platformImports(sources), [])
})

test('planted: an import of the platform is found, and passes where the platform is', () => {
  const text = "import { readFileSync } from 'node:fs'"
  assert.deepEqual(platformImports([{ path: `${PROTOCOL}a.ts`, text }]), [`${PROTOCOL}a.ts:1 node:fs`])
  assert.deepEqual(platformImports([{ path: 'packages/protocol/src/crypto/noble.ts', text }]).length, 1)
  for (const path of PLATFORM) assert.deepEqual(platformImports([{ path: `${path}x`, text }]), [])
})

// Which room may import which, and which package of others. A new import or dependency has to be added here on purpose.
import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { importsOf, readSource, type SourceFile, sourcesIn } from './source.ts'

interface Room {
  /** The rooms that it may import. */
  readonly ours: readonly string[]
  /** The packages of others that it may import. */
  readonly theirs: readonly string[]
}

const ROOMS: Readonly<Record<string, Room>> = {
  protocol: { ours: [], theirs: ['@noble/ciphers', '@noble/curves', '@noble/hashes', 'fflate'] },
  client: { ours: ['protocol'], theirs: [] },
  server: { ours: ['protocol'], theirs: ['@types/pg', 'fastify', 'pg', 'pkcs11js'] },
  lab: { ours: ['protocol', 'client', 'server'], theirs: [] },
  vicinity: { ours: ['protocol', 'server', 'lab'], theirs: ['commander'] },
}

/** Directions inside a room: what lies under `from` never imports what lies under `never`. */
const WALLS: readonly { readonly from: string; readonly never: string }[] = [
  { from: 'packages/protocol/src/robert/', never: 'packages/protocol/src/gaen/' },
  { from: 'packages/protocol/src/gaen/', never: 'packages/protocol/src/robert/' },
  { from: 'packages/protocol/src/kernels/', never: 'packages/protocol/src/robert/' },
  { from: 'packages/protocol/src/kernels/', never: 'packages/protocol/src/gaen/' },
  { from: 'packages/server/src/store/', never: 'packages/server/src/flows/' },
]

/** Parts of a folder that run apart from the rest of it: neither side imports the other. */
const APART: readonly { readonly folder: string; readonly part: string }[] = [
  { folder: 'packages/server/src/flows/', part: 'packages/server/src/flows/authority/' },
]

interface Manifest {
  readonly name: string
  readonly exports?: Readonly<Record<string, unknown>>
  readonly imports?: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const manifests = new Map(
  sourcesIn('packages/*/package.json').map(({ path, text }) => [path.split('/')[1]!, JSON.parse(text) as Manifest]),
)
const roomOf = (name: string): string | undefined => [...manifests].find(([, manifest]) => manifest.name === name)?.[0]
const dependenciesOf = (manifest: Manifest | undefined): string[] =>
  Object.keys({
    ...manifest?.dependencies,
    ...manifest?.optionalDependencies,
    ...manifest?.peerDependencies,
    ...manifest?.devDependencies,
  })

/** What is wrong with importing `specifier` from `path`, or nothing. */
function faultOf(path: string, specifier: string): string | undefined {
  const room = path.split('/')[1]!
  if (specifier.startsWith('node:')) return undefined
  if (specifier.startsWith('.')) return relativeFault(path, `packages/${room}/src/`, specifier)
  if (specifier.startsWith('#')) {
    return manifests.get(room)?.imports?.[specifier] === undefined ? 'is not in "imports" of the package' : undefined
  }
  const parts = specifier.split('/')
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
  const target = roomOf(name)
  if (target === undefined) {
    if (!ROOMS[room]?.theirs.includes(name)) return `is not among the packages that ${room} may import`
  } else {
    if (!ROOMS[room]?.ours.includes(target)) return `is not among the rooms that ${room} may import`
    const entry = `.${specifier.slice(name.length)}`
    if (manifests.get(target)?.exports?.[entry] === undefined) return 'is no entry point of that package'
  }
  return dependenciesOf(manifests.get(room)).includes(name) ? undefined : 'is not declared in package.json'
}

function relativeFault(path: string, inside: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier)
  if (!target.startsWith(inside)) return 'leaves the sources of its package'
  const wall = WALLS.find(({ from, never }) => path.startsWith(from) && target.startsWith(never))
  if (wall !== undefined) return `goes through a wall: ${wall.from} never imports ${wall.never}`
  const apart = APART.find(
    ({ folder, part }) =>
      path.startsWith(folder) && target.startsWith(folder) && path.startsWith(part) !== target.startsWith(part),
  )
  return apart === undefined
    ? undefined
    : `goes through a wall: ${apart.part} is apart from the rest of ${apart.folder}`
}

const findings = (files: readonly SourceFile[]): string[] =>
  files.flatMap((file) =>
    importsOf(file).flatMap(({ specifier, place }) => {
      const fault = faultOf(file.path, specifier)
      return fault === undefined ? [] : [`${place}: '${specifier}' ${fault}`]
    }),
  )

test('every import follows the table of rooms and the walls inside them', () => {
  const files = sourcesIn('packages/*/src/**/*.{ts,tsx}')
  assert.ok(files.length > 0)
  assert.deepEqual(findings(files), [])
})

test('every package has a row in the table, and declares what its row says and nothing else', () => {
  const declared = Object.fromEntries([...manifests].map(([room, manifest]) => [room, dependenciesOf(manifest).sort()]))
  const allowed = Object.entries(ROOMS).map(([room, { ours, theirs }]) => {
    const names = ours.map((other) => manifests.get(other)?.name ?? other)
    return [room, [...names, ...theirs].sort()]
  })
  assert.deepEqual(declared, Object.fromEntries(allowed))
})

test('the packages of this repository depend on each other at their exact version', () => {
  for (const [room, manifest] of manifests) {
    const version = JSON.parse(readSource(`packages/${room}/package.json`).text).version
    for (const [user, { dependencies }] of manifests) {
      const wanted = dependencies?.[manifest.name]
      if (wanted !== undefined) assert.equal(wanted, version, `${manifest.name} in ${user}`)
    }
  }
})

/** Planted: where, what, and the words that the fault must hold; none where the import is right. */
const PLANTED: readonly (readonly [path: string, code: string, fault: string | undefined])[] = [
  ['packages/protocol/src/x.ts', "import { f } from '@vicinity/server'", 'rooms'],
  ['packages/client/src/x.ts', "import type { F } from '@vicinity/server'", 'rooms'],
  ['packages/server/src/x.ts', "export * from '@vicinity/client'", 'rooms'],
  ['packages/vicinity/src/x.ts', "const f = await import('@vicinity/client')", 'rooms'],
  ['packages/lab/src/x.ts', "import '@vicinity/protocol/src/time.ts'", 'entry point'],
  ['packages/lab/src/x.ts', "import { f } from '../../server/src/main.ts'", 'leaves'],
  ['packages/lab/src/x.ts', "import { f } from '../test/help.ts'", 'leaves'],
  ['packages/server/src/x.ts', "import lodash from 'lodash'", 'packages'],
  ['packages/client/src/x.ts', "import { ecb } from '@noble/ciphers/aes.js'", 'packages'],
  ['packages/client/src/x.ts', "import { sha256 } from '#crypto'", '"imports"'],
  ['packages/protocol/src/robert/x.ts', "import { f } from '../gaen/risk.ts'", 'wall'],
  ['packages/protocol/src/gaen/x.ts', "import {\n  f,\n} from '../robert/risk.ts'", 'wall'],
  ['packages/protocol/src/kernels/x.ts', "import { f } from '../robert/ebid.ts'", 'wall'],
  ['packages/server/src/store/x.ts', "import { f } from '../flows/upload.ts'", 'wall'],
  ['packages/server/src/flows/authority/x.ts', "import { f } from '../upload.ts'", 'wall'],
  ['packages/server/src/flows/x.ts', "import { f } from './authority/issue-code.ts'", 'wall'],
  ['packages/server/src/flows/authority/x.ts', "import { f } from './issue-code.ts'", undefined],
  ['packages/server/src/http.ts', "import { f } from './flows/authority/issue-code.ts'", undefined],
  ['packages/server/src/flows/x.ts', "import { f } from '../store/store.ts'", undefined],
  ['packages/client/src/x.ts', "import { f } from '@vicinity/protocol/robert'", undefined],
  ['packages/protocol/src/x.ts', "import { f } from '#crypto'", undefined],
  ['packages/protocol/src/x.ts', "// import { f } from 'lodash'\nconst a = 'import \"x\"'", undefined],
]

test('planted: every rule of imports can fail', () => {
  for (const [path, text, fault] of PLANTED) {
    const found = findings([{ path, text }])
    if (fault === undefined) assert.deepEqual(found, [], text)
    else assert.ok(found.length === 1 && found[0]!.includes(fault), `${path}: ${text}: ${found}`)
  }
})

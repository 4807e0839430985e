// The import map of a page: what the packages say in "exports" and "imports", read as a browser would read it.
import { readFileSync } from 'node:fs'
import { ROOT } from '../tidy/source.ts'

/** The conditions that hold in a page: TypeScript as it stands in the source, on the platform of browsers. */
const CONDITIONS = ['@vicinity/source', 'browser', 'import', 'default']
const OURS = ['protocol', 'client'] as const

type Target = string | { readonly [condition: string]: Target }

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, Target>>
  readonly imports?: Readonly<Record<string, Target>>
  readonly dependencies?: Readonly<Record<string, string>>
}

type Addresses = Readonly<Record<string, string>>

export interface ImportMap {
  readonly imports: Addresses
  readonly scopes: Readonly<Record<string, Addresses>>
}

const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(`${ROOT}${folder}/package.json`, 'utf8'))

/** As in Node, the first condition that holds counts. */
function choose(target: Target): string | undefined {
  if (typeof target === 'string') return target
  const chosen = Object.keys(target).find((condition) => CONDITIONS.includes(condition))
  return chosen === undefined ? undefined : choose(target[chosen]!)
}

/** Specifiers, which begin with `prefix`, and the addresses of their files. */
function addresses(folder: string, prefix: string, targets: Readonly<Record<string, Target>>): Addresses {
  const pairs = Object.entries(targets).flatMap(([name, target]) => {
    const chosen = choose(target)
    const specifier = prefix === '' ? name : `${prefix}${name.slice('.'.length)}`
    return chosen === undefined ? [] : [[specifier, `/${folder}${chosen.slice('.'.length)}`]]
  })
  return Object.fromEntries(pairs)
}

/** The packages for phones and what they depend on. Pages also find a stand-in for the assertions of Node. */
export function importMap(): ImportMap {
  const ours = OURS.map((room) => `packages/${room}`)
  const theirs = ours
    .flatMap((folder) => Object.keys(manifestOf(folder).dependencies ?? {}))
    .filter((name) => !name.startsWith('@vicinity/'))
    .map((name) => `node_modules/${name}`)
  const exported = [...ours, ...theirs].map((folder) => {
    const { name, exports } = manifestOf(folder)
    return addresses(folder, name, exports)
  })
  const own = ours.map((folder) => [`/${folder}/`, addresses(folder, '', manifestOf(folder).imports ?? {})])
  return {
    imports: Object.assign({ 'node:assert/strict': '/test/browser/node-assert.ts' }, ...exported),
    scopes: Object.fromEntries(own),
  }
}

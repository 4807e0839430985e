// A token in software for tests: SoftHSM 2 with a token of its own in a temporary directory.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TokenPlace } from '../src/vault/pkcs11.ts'

const MODULES = [
  process.env['VICINITY_SOFTHSM'],
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
]
const MODULE = MODULES.find((path) => path !== undefined && existsSync(path))

const missing = (): string | false => {
  if (MODULE === undefined) return 'SoftHSM is not installed (Debian: softhsm2)'
  try {
    createRequire(import.meta.url)('pkcs11js')
    return false
  } catch {
    return 'pkcs11js is not compiled (npm run pkcs11)'
  }
}

/** Why there is no token. Where CI is set the tests run and fail. */
export const withoutToken: string | false = process.env['CI'] === undefined && missing()

export const PIN = 'a pin of tests'

export interface SoftHsm {
  readonly place: TokenPlace
  /** What a process needs in its environment to see the tokens. */
  readonly environment: Readonly<Record<string, string>>
}

/** So many tokens are made at once: the library looks for them when it is loaded, and not again. */
const TOKENS = 12
const unused: string[] = []

/** An empty token of its own. Those of a process lie in one directory, because the library reads its place once. */
export function softHsm(): SoftHsm {
  if (MODULE === undefined) throw new Error('SoftHSM is not installed (Debian: softhsm2)')
  if (process.env['SOFTHSM2_CONF'] === undefined) makeTokens()
  const token = unused.pop()
  if (token === undefined) throw new Error('a process has no more tokens: raise their number')
  return { place: { module: MODULE, token }, environment: { SOFTHSM2_CONF: process.env['SOFTHSM2_CONF']! } }
}

function makeTokens(): void {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-softhsm-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const tokens = join(directory, 'tokens')
  mkdirSync(tokens, { mode: 0o700 })
  const path = join(directory, 'softhsm2.conf')
  writeFileSync(path, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  process.env['SOFTHSM2_CONF'] = path
  for (let k = 0; k < TOKENS; k++) {
    const label = `vicinity ${k}`
    const pins = ['--pin', PIN, '--so-pin', `so ${PIN}`]
    execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, ...pins], { stdio: 'ignore' })
    unused.push(label)
  }
}

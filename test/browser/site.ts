// A site on loopback whose only page runs one module of this repository as it stands in the source, its types stripped.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { ROOT } from '../tidy/source.ts'
import { importMap } from './import-map.ts'

/** How the page ended: with what its module gave, or with what it threw. */
export interface Answer {
  readonly result?: unknown
  readonly error?: string
}

export interface Site {
  readonly url: string
  /** Paths of the modules that the page loaded, from the root of the repository. */
  readonly loaded: readonly string[]
  /** What was asked for and could not be given. */
  readonly faults: readonly string[]
  close(): Promise<void>
}

interface Setting {
  /** The module to run: a path from the root of the repository. */
  readonly entry: string
  readonly given: unknown
  /** What script-src allows besides the import map. */
  readonly scripts: string
  readonly onAnswer: (answer: Answer) => void
}

const RUNNER = '/test/browser/runner.ts'
const MODULE = /^\/(?:packages|test|bench|node_modules\/(?:@noble|fflate))\/[\w@./-]+\.(?:ts|js)$/

const map = JSON.stringify(importMap())
const mapHash = createHash('sha256').update(map).digest('base64')
const page = `<!doctype html>
<meta charset="utf-8">
<title>Vicinity</title>
<script type="importmap">${map}</script>
<script type="module" src="${RUNNER}"></script>
`

const policyOf = (scripts: string): string =>
  `default-src 'none'; connect-src 'self'; script-src ${scripts} 'sha256-${mapHash}'`

/** The module as a browser takes it: types become blanks, so that lines and columns of errors are those of the source. */
function moduleAt(path: string): string | undefined {
  if (!MODULE.test(path) || !existsSync(`${ROOT}${path.slice(1)}`)) return undefined
  const source = readFileSync(`${ROOT}${path.slice(1)}`, 'utf8')
  return path.endsWith('.ts') ? stripTypeScriptTypes(source, { mode: 'strip' }) : source
}

export async function openSite({ entry, given, scripts, onAnswer }: Setting): Promise<Site> {
  const loaded: string[] = []
  const faults: string[] = []
  const headers = {
    'content-security-policy': policyOf(scripts),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    // A page that nothing of others can reach has a clock of microseconds, which measurements need.
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  }
  const send = (response: ServerResponse, type: string, body: string, status = 200) => {
    response.writeHead(status, { ...headers, 'content-type': `${type}; charset=utf-8` }).end(body)
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // Reading a path as an address takes `..` out of it.
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (path === '/') return send(response, 'text/html', page)
    if (path === '/given') return send(response, 'application/json', JSON.stringify({ entry: `/${entry}`, given }))
    if (path === '/answer') {
      onAnswer(JSON.parse(await text(request)) as Answer)
      response.writeHead(204).end()
      return
    }
    const source = moduleAt(path)
    if (source === undefined) throw new Error('is no module of a page')
    loaded.push(path.slice(1))
    send(response, 'text/javascript', source)
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      faults.push(`${request.url}: ${error}`)
      send(response, 'text/plain', '', 404)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    loaded,
    faults,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

import { isExportPath, PUBLISH_BYTES, toBase64 } from '@vicinity/protocol/gaen'
import type { DeployedAnswer, DeployedCall, DeployedEndpoint } from '../../deployed.ts'
import type { Deps } from '../../deps.ts'
import { exportVerificationKeys, INDEX } from './export.ts'
import { publish } from './publish.ts'

/** A file keeps its name and its bytes for ever; the index changes with every window, and old ones may be served for a while. */
const CACHE = { index: 'public, max-age=300', file: 'public, max-age=1209600, immutable' } as const

async function serveExport({ exportFiles }: Deps, { rest }: DeployedCall): Promise<DeployedAnswer> {
  const bytes = isExportPath(rest) ? await exportFiles?.read(rest) : undefined
  if (bytes === undefined) return { status: 404, body: { error: 'no such file' } }
  const [type, cache] = rest === INDEX ? ['text/plain', CACHE.index] : ['application/zip', CACHE.file]
  const headers = { 'content-type': type, 'cache-control': cache, 'x-content-type-options': 'nosniff' }
  return { status: 200, body: bytes, headers }
}

export const KEY_SERVER_ENDPOINTS: readonly DeployedEndpoint[] = [
  {
    method: 'POST',
    path: '/v1/publish',
    // Beyond the format's own limit, so that a larger body gets the answer of the format.
    limit: 4 * PUBLISH_BYTES,
    summary: 'Publishes the keys of somebody who was diagnosed, or revises them (key server, version 1).',
    onGrid: true,
    run: publish,
  },
  {
    method: 'GET',
    path: '/exports/*',
    limit: 0,
    summary: 'The exports: index.txt lists the others, oldest first, by their paths beside it.',
    run: serveExport,
  },
  {
    method: 'GET',
    path: '/v1/export-keys',
    limit: 0,
    summary: 'Public keys of the exports. Whoever verifies with them fetches them once and compares them another way.',
    run: async (deps) => ({
      status: 200,
      body: exportVerificationKeys(deps).map((key) => ({ ...key, point: toBase64(key.point) })),
    }),
  },
]

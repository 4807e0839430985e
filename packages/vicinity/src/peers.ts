import { readFileSync } from 'node:fs'
import { fromBase64, REPORT_TYPE } from '@vicinity/protocol/gaen'
import type { ImportPeer } from '@vicinity/server'
import { UsageError } from './usage.ts'

const POINT_BYTES = 65

/**
 * The servers whose exports are imported: `[{ "name", "index", "keys": [{ "keyId", "keyVersion", "point" }] }]`, keys as another
 * back-end gives them at /v1/export-keys. A file counts when one of its peer's keys signed it, so that keys can follow each other. Throws
 * `UsageError`.
 */
export function readPeers(path: string): readonly ImportPeer[] {
  try {
    return list(JSON.parse(readFileSync(path, 'utf8'))).map(peerOf)
  } catch (error) {
    throw new UsageError(`--peers ${path}: ${(error as Error).message}`)
  }
}

function peerOf(json: unknown): ImportPeer {
  const keys = list(field(json, 'keys')).map((key) => ({
    keyId: text(key, 'keyId'),
    keyVersion: text(key, 'keyVersion'),
    point: pointOf(text(key, 'point')),
  }))
  if (keys.length === 0) throw new Error('a peer without keys')
  const name = text(json, 'name')
  const { href: index } = new URL(text(json, 'index'))
  return { name, index, keys, reportType: REPORT_TYPE.confirmedTest, daysSinceOnset: undefined }
}

function pointOf(base64: string): Uint8Array {
  const point = fromBase64(base64, 'point')
  if (point.length !== POINT_BYTES) throw new Error(`point: ${POINT_BYTES} bytes`)
  return point
}

function list(json: unknown): readonly unknown[] {
  if (!Array.isArray(json)) throw new Error('expected a list')
  return json
}

const field = (json: unknown, name: string): unknown => (json as Record<string, unknown> | null)?.[name]

function text(json: unknown, name: string): string {
  const value = field(json, name)
  if (typeof value !== 'string' || value === '') throw new Error(`${name}: expected text`)
  return value
}

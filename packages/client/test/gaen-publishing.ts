// What a phone sends to publish, and what becomes of it.
import { parsePublish, type SentKey } from '@vicinity/protocol/gaen'
import type { Fate, GaenWorld } from './gaen-world.ts'

export const VERIFY = '/api/verify'
export const CERTIFICATE = '/api/certificate'
export const PUBLISH = '/v1/publish'
export const pathsOf = (world: GaenWorld) =>
  world.sent().flatMap(({ request: { method, path } }) => (method === 'POST' ? [path] : []))
/** Keys of each publication, as the key server reads them. */
export const published = (world: GaenWorld): (readonly SentKey[])[] =>
  world.said(PUBLISH).map((body) => parsePublish(body).keys)
export const marks = (world: GaenWorld) =>
  world
    .sent()
    .flatMap(({ request: { method, headers } }) =>
      method === 'POST' ? [headers['x-chaff'] === undefined ? 'real' : 'chaff'] : [],
    )

/** The next requests to a path meet these fates; then all is answered. */
export function fates(world: GaenWorld, path: string, list: readonly Fate[]): void {
  let next = 0
  world.fate = (request) => (request.path === path ? list[next++] : undefined)
}

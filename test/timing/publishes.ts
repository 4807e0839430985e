// Publishes of GAEN: those of a patient, of somebody with a bad certificate, and chaff. Their times are told; the grid hides them.
import { callDeployed, type Deps } from '@vicinity/server'
import { keyServer, phoneKey, phoneKeys, publishBody } from '../../packages/server/test/key-server-fixture.ts'
import type { TimedClass, World } from './sample.ts'

export interface PublishWorld extends World {
  readonly deps: Deps
  readonly now: () => ReturnType<typeof keyServer>['clock']['now']
  /** The body and the headers of a publish of a class, new each time. */
  readonly publishOf: (index: number) => { readonly body: string; readonly headers: Readonly<Record<string, string>> }
}

const CHAFF = { 'x-chaff': '1' }

export async function publishWorld(store: string): Promise<PublishWorld> {
  const ends: (() => unknown)[] = []
  const server = keyServer({ after: (end) => void ends.push(end as () => unknown) }, { store })
  const body = (days: number, options = {}) => JSON.stringify(publishBody(server, phoneKeys(server, days), options))
  // Three keys a day, as of a phone that changes them at will.
  const many = () => {
    const keys = Array.from({ length: 30 }, (_, k) => {
      const key = phoneKey(server, 1 + Math.floor(k / 3), { rollingPeriod: 48 })
      return { ...key, rollingStartNumber: key.rollingStartNumber + 48 * (k % 3) }
    })
    return JSON.stringify(publishBody(server, keys))
  }
  const kinds: readonly (readonly [name: string, body: () => string, headers?: Record<string, string>])[] = [
    ['1 key', () => body(1)],
    ['14 keys', () => body(14)],
    ['14 keys, once more', () => body(14)],
    ['30 keys', many],
    ['14 keys, bad certificate', () => body(14, { audience: 'somebody else' })],
    ['chaff of 14 keys', () => body(14), CHAFF],
    ['chaff of 30 keys', many, CHAFF],
  ]
  const publishOf = (k: number) => ({ body: kinds[k]![1](), headers: kinds[k]![2] ?? {} })
  const classes = kinds.map(([name], k): TimedClass => {
    const prepare = () => {
      const call = { method: 'POST', path: '/v1/publish', ...publishOf(k) } as const
      return () => callDeployed(server.deps, call, server.clock.now)
    }
    return { name, part: 'reported', prepare }
  })
  return {
    deps: server.deps,
    now: () => server.clock.now,
    classes,
    restore: async () => {},
    close: async () => {
      for (const end of ends) await end()
    },
    publishOf,
  }
}

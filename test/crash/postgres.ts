// The engine for several processes: a cluster of its own behind a proxy.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { drawBelow } from '@vicinity/protocol'
import type { Role } from '@vicinity/server'
import type { Engine, Fault } from './back-end.ts'
import { type Cluster, makeCluster } from './cluster.ts'
import { killIfThere } from './linux.ts'
import { type Cut, type FaultProxy, startProxy } from './proxy.ts'

const CONNECTIONS = 4
const CUTS: readonly Cut[] = ['before a COMMIT arrives', 'before a COMMIT is answered', 'after some bytes']
const MOST_BYTES = 4000
const MOST_COMMITS = 8
/** Bytes. A segment of the log has a million: the first limits stop it, which is a panic; the last stops tables that grow. */
const FILE_LIMITS = [50_000, 400_000, 1_048_576] as const
const FAILOVER_MOMENT = 400

export async function postgresEngine(directory: string, roles: readonly Role[]): Promise<Engine> {
  let made = 0
  const next = () => join(directory, `cluster-${made++}`)
  let primary = await makeCluster(next())
  await primary.start()
  const proxy = await startProxy(join(directory, 'proxy'), primary.directory)
  const failover: Fault = {
    name: 'failover to a synchronous standby',
    run: async ({ random }) => {
      const standby = await primary.makeStandby(next())
      await pause(drawBelow(random, FAILOVER_MOMENT))
      await primary.killAll()
      await standby.promote()
      proxy.lead(standby.directory)
      await primary.stop()
      primary = standby
    },
  }
  return {
    name: 'postgres',
    url: `postgres:///postgres?host=${encodeURIComponent(proxy.directory)}&user=vicinity&connections=${CONNECTIONS}`,
    roles,
    faults: () => [...cutsOf(proxy), ...faultsOf(primary)],
    rare: failover,
    inspect: async () => {
      const [counted] = await primary.query('select count(*)::int4 as n from user_key')
      return { users: Number(counted?.['n']), damage: [] }
    },
    async heal() {
      proxy.disarm()
      await primary.start()
    },
    async stop(keep) {
      proxy.close()
      await primary.stop()
      if (!keep) rmSync(directory, { recursive: true, force: true })
    },
  }
}

const cutsOf = (proxy: FaultProxy): Fault[] =>
  CUTS.map((cut) => ({
    name: `cut ${cut}`,
    run: async ({ random, patience }) => {
      const n = 1 + drawBelow(random, cut === 'after some bytes' ? MOST_BYTES : MOST_COMMITS)
      await Promise.race([proxy.arm(cut, n), patience()])
      proxy.disarm()
    },
  }))

const faultsOf = (cluster: Cluster): Fault[] => [
  {
    name: 'kill -9 postmaster',
    run: async () => {
      await cluster.killPostmaster()
      await cluster.start()
    },
  },
  {
    name: 'kill -9 backend',
    run: async ({ random }) => {
      const backends = cluster.backends()
      if (backends.length > 0) killIfThere(backends[drawBelow(random, backends.length)]!)
      await cluster.start()
    },
  },
  {
    name: 'disk full for PostgreSQL',
    run: async ({ random, patience }) => {
      cluster.limitFiles(FILE_LIMITS[drawBelow(random, FILE_LIMITS.length)])
      await patience()
      cluster.limitFiles(undefined)
    },
  },
]

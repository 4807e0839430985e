import { existsSync, statfsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, resolve } from 'node:path'
import { hasStandby, readTls, storeState, wallClock } from '@vicinity/server'
import { verifyFiles } from './audit.ts'
import type { Config, placesOf } from './config.ts'
import { unsafeSettings } from './production.ts'
import { serveOptions } from './serve.ts'
import { vaultOf } from './vault.ts'

export interface Finding {
  readonly state: 'ok' | 'warn' | 'fail'
  /** What is there; where it is not ok, what to do. */
  readonly text: string
}

interface Patient {
  readonly config: Config
  readonly places: ReturnType<typeof placesOf>
  /** Whether the back-end runs now. */
  readonly running: boolean
}

const ok = (text: string): Finding => ({ state: 'ok', text })
const warn = (text: string): Finding => ({ state: 'warn', text })
const fail = (text: string): Finding => ({ state: 'fail', text })

const DAY = 86_400
const CERTIFICATE_DAYS = 30
const LEAST_NODE = 26
const GIGABYTE = 2 ** 30
/** The certificates, in days before their end, and the disks, in bytes, that have to be mended now. */
const LAST_DAYS = 3
const LEAST_FREE = GIGABYTE / 4

type Check = (patient: Patient) => Promise<readonly Finding[]>

/** Every check, by the name that its lines begin with. */
export const CHECKS: Readonly<Record<string, Check>> = {
  node: async () => {
    const major = Number(process.versions.node.split('.')[0])
    return [
      major >= LEAST_NODE
        ? ok(`Node ${process.versions.node}`)
        : fail(`Node ${process.versions.node}: use ${LEAST_NODE} or later`),
    ]
  },
  configuration: async ({ config }) => {
    serveOptions(config)
    const unsafe = unsafeSettings(config).map((text) => warn(`${text} (production would refuse it)`))
    return unsafe.length > 0
      ? unsafe
      : [ok(config.production ? 'production takes it' : 'it is fit for production: true')]
  },
  keys: async ({ places }) => keyDirectory(places.keys),
  vault: async ({ config }) => {
    if (config.vault === undefined)
      return [warn('without a vault the keys lie in the open: vicinity keys init makes one')]
    const vault = vaultOf(config.vault)
    vault?.close()
    return [ok('it opens')]
  },
  store: async ({ places }) => {
    const { version, known, postgres } = await storeState(places.store)
    const where = postgres === undefined ? 'SQLite' : `PostgreSQL ${Math.floor(postgres.version / 10_000)}`
    if (version === undefined) return [ok(`${where}: nothing there yet, the first start sets it up`)]
    if (version > known) return [fail(`${where}: version ${version}, this program knows ${known}: use a newer program`)]
    if (version < known)
      return [ok(`${where}: version ${version}, the next start brings it to ${known}: back it up before`)]
    return [ok(`${where}: version ${version}`)]
  },
  durability: async ({ config, places }) => durability(config, places.store),
  clock: async ({ places }) => clock(places.store),
  disk: async ({ config, places }) => [...new Set([config.data, dirname(places.audit), places.exports])].map(disk),
  ports: async ({ config, running }) => ports(config, running),
  certificate: async ({ config: { tlsCertificate, tlsKey } }) => {
    if (tlsCertificate === undefined || tlsKey === undefined)
      return [ok('none: a proxy ends TLS, or nobody outside calls')]
    const days = Math.floor((readTls({ certificate: tlsCertificate, key: tlsKey }).expires - wallClock()) / DAY)
    if (days < LAST_DAYS)
      return [fail(`it ends in ${days} days: replace the files, the back-end takes them up by itself`)]
    return [
      days < CERTIFICATE_DAYS ? warn(`it ends in ${days} days: replace the files`) : ok(`it ends in ${days} days`),
    ]
  },
  'audit log': async ({ places }) => auditLog(places.audit),
}

const OTHERS = 0o077

function keyDirectory(directory: string): Finding[] {
  const found = statSync(directory, { throwIfNoEntry: false })
  if (found === undefined) return [ok(`${directory}: not there yet, the first start makes it`)]
  if ((found.mode & OTHERS) !== 0) return [fail(`${directory}: others may look into it: chmod 700`)]
  const user = process.getuid?.()
  if (user !== undefined && user !== 0 && found.uid !== user)
    return [fail(`${directory}: belongs to another user: chown`)]
  return [ok(`${directory}: nobody else looks into it`)]
}

async function durability({ durability: wanted }: Config, store: string): Promise<Finding[]> {
  const { postgres } = await storeState(store)
  if (postgres === undefined) {
    if (wanted === 'strict') return [fail('durability strict needs PostgreSQL with a synchronous standby')]
    return [
      /synchronous=normal/.test(store)
        ? warn('synchronous=normal loses the last commits with the power')
        : ok('every commit is on disk'),
    ]
  }
  const { settings } = postgres
  const found = [
    ...(settings.fsync === 'on' ? [] : [fail('fsync is off: a power failure destroys the database: set fsync = on')]),
    ...(settings.full_page_writes === 'on'
      ? []
      : [fail('full_page_writes is off: a power failure tears pages: set it on')]),
    ...(['off', 'local'].includes(settings.synchronous_commit)
      ? [warn(`synchronous_commit is ${settings.synchronous_commit}: the back-end sets it on for itself; set it on`)]
      : []),
    ...(['lz4', 'zstd'].includes(settings.wal_compression)
      ? []
      : [warn(`wal_compression is ${settings.wal_compression}: lz4 takes a fraction of the work of the default`)]),
  ]
  if (wanted === 'strict' && !hasStandby(postgres)) {
    found.push(
      fail('no synchronous standby streams: set synchronous_standby_names, start it, and grant pg_monitor to the user'),
    )
  }
  return found.length > 0 ? found : [ok('every commit is on disk, full pages are written')]
}

const CLOCK_TOLERANCE = 2

async function clock(store: string): Promise<Finding[]> {
  const { postgres, lastTime } = await storeState(store)
  const now = wallClock()
  if (lastTime !== undefined && now < lastTime - 60)
    return [fail('it is behind the time when the back-end last ran: set it right')]
  if (postgres === undefined) return [ok('not behind the time when the back-end last ran')]
  const apart = Math.abs(postgres.clock - now)
  if (apart <= CLOCK_TOLERANCE) return [ok('that of the database says the same')]
  const text = `that of the database is ${Math.round(apart)} s away: synchronise both with NTP`
  return [apart > 30 ? fail(text) : warn(text)]
}

function disk(directory: string): Finding {
  let there = resolve(directory)
  while (!existsSync(there)) there = dirname(there)
  const { bavail, bsize } = statfsSync(there)
  const free = bavail * bsize
  const text = `${directory}: ${(free / GIGABYTE).toFixed(1)} GB free`
  if (free < LEAST_FREE) return fail(`${text}: make room, a full disk stops every answer`)
  return free < 4 * GIGABYTE ? warn(`${text}: make room`) : ok(text)
}

async function ports({ host, port, metricsHost, metricsPort }: Config, running: boolean): Promise<Finding[]> {
  if (running) return [ok('the back-end has them')]
  const wanted = [[host, port], ...(metricsPort === undefined ? [] : [[metricsHost, metricsPort]])] as [
    string,
    number,
  ][]
  return Promise.all(
    wanted.map(async ([address, number]) => {
      const code = await listenOnce(address, number)
      if (code === undefined) return ok(`${address} ${number} is free`)
      const words = {
        EADDRINUSE: 'is taken: give another, or --running',
        EACCES: 'is not for this user: give one above 1023',
      }
      return fail(
        `${address} ${number} ${words[code as keyof typeof words] ?? 'is no address of this machine: give another host'}`,
      )
    }),
  )
}

const listenOnce = (host: string, port: number): Promise<string | undefined> =>
  new Promise((done) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'unknown'))
    server.listen(port, host, () => server.close(() => done(undefined)))
  })

function auditLog(path: string): Finding[] {
  if (!existsSync(path)) return [ok(`${path}: not there yet, the first start begins it`)]
  const { entries, fault } = verifyFiles(path, {})
  if (fault === undefined) return [ok(`${entries.length} entries, as they were written`)]
  // A crash leaves these two, and the next start says so in the log.
  if (fault.kind === 'unsigned' || fault.kind === 'malformed')
    return [warn(`its end is as a crash leaves it: vicinity audit verify ${path}`)]
  return [fail(`it was tampered with: vicinity audit verify ${path} says where; keep a copy as it is`)]
}

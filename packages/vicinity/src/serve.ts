import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { toHex, type UnixSeconds } from '@vicinity/protocol'
import { PROFILES } from '@vicinity/protocol/robert'
import {
  DEFAULT_SETTINGS,
  type GaenSettings,
  ROLES,
  type Role,
  type Running,
  serve,
  settingsFor,
} from '@vicinity/server'
import { Command, Option } from 'commander'
import { readPeers } from './peers.ts'
import { STORES } from './store.ts'
import { UsageError, wholeNumber } from './usage.ts'

interface ServeCommandOptions {
  readonly data: string
  readonly role: Role
  readonly keys?: string
  readonly store?: string
  readonly exports?: string
  readonly departed?: string
  readonly audit?: string
  readonly region: string
  readonly peers?: string
  readonly host: string
  readonly port: number
  readonly serviceStart: number
  readonly countryCode: number
  readonly profile: string
  readonly acceptClock: boolean
}

/** Secrets come from the environment: arguments are seen by every user of the machine. */
const ENVIRONMENT = `
Secrets in the environment:
  VICINITY_AUTHORITY_TOKEN   opens the endpoints of the health authority (ROBERT), as a bearer token
  VICINITY_ADMIN_API_KEY     opens issuing of verification codes (GAEN), as X-API-Key
  VICINITY_DEVICE_API_KEY    opens verification for the app (GAEN), as X-API-Key
  PGPASSWORD                 opens the database, where --store postgres://USER@HOST/NAME leaves the password out`

export function serveCommand(): Command {
  return new Command('serve')
    .description('Run the back-end of a country, by the wall clock, until it is told to stop')
    .option('--data <directory>', 'database and keys', '.vicinity/serve')
    .addOption(
      new Option('--role <name>', 'everything; only answer callers; or only what happens by the clock')
        .choices(ROLES)
        .default('all'),
    )
    .option('--keys <directory>', 'keys, shared by the processes of a back-end (default: in the data directory)')
    .option('--store <url>', `${STORES} (default: in the data directory)`)
    .option('--exports <directory>', 'exports of GAEN, which a web server may serve (default: in the data directory)')
    .option('--audit <file>', 'audit log, beside it its signed heads (default: in the data directory)')
    .option('--departed <directory>', 'marks of who left, which no backup may hold (default: in the data directory)')
    .option('--region <code>', 'region of the exports', DEFAULT_SETTINGS.gaen.keyServer.region)
    .option('--peers <file>', 'JSON list of the servers whose exports are imported: name, index, keys')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on', wholeNumber('--port', 0, 65_535), 8080)
    .option(
      '--service-start <unix>',
      'Unix time of epoch 0; fixed for the life of the database',
      wholeNumber('--service-start', 0, 2 ** 43),
      DEFAULT_SETTINGS.serviceStart,
    )
    .option(
      '--country-code <number>',
      'code of the country, one byte',
      wholeNumber('--country-code', 0, 255),
      DEFAULT_SETTINGS.countryCode,
    )
    .option('--accept-clock', 'start although it last ran more than 30 days ago', false)
    .addOption(
      new Option('--profile <name>', 'ROBERT to the byte, or as France deployed it; fixed for the life of the database')
        .choices(PROFILES.map(({ name }) => name))
        .default('spec'),
    )
    .addHelpText('after', ENVIRONMENT)
    .action(async (options: ServeCommandOptions) => {
      mkdirSync(options.data, { recursive: true, mode: 0o700 })
      const running = await serve({
        settings: {
          ...settingsFor(PROFILES.find(({ name }) => name === options.profile)!),
          serviceStart: options.serviceStart as UnixSeconds,
          countryCode: options.countryCode,
          authorityToken: process.env['VICINITY_AUTHORITY_TOKEN'],
          gaen: gaenSettings(options),
        },
        store: options.store ?? `sqlite:${join(options.data, 'vicinity.db')}`,
        role: options.role,
        keys: options.keys ?? join(options.data, 'keys'),
        audit: options.audit ?? join(options.data, 'audit.log'),
        exports: options.exports ?? join(options.data, 'exports'),
        departed: options.departed ?? join(options.data, 'departed'),
        host: options.host,
        port: options.port,
        acceptClock: options.acceptClock,
      }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') throw new UsageError(error.message)
        throw new UsageError(`port ${options.port} is taken: give another with --port, or 0 for any free one`)
      })
      // Who reads the address may stop the server at once: it listens for that first.
      const stopped = untilStopped(running)
      console.log(`Vicinity serves at ${running.url}`)
      console.log(`  parameters  ${running.url}/v1/parameters`)
      console.log(`  interface   ${running.url}/v1/openapi.json`)
      console.log(`  exports     ${running.url}/exports/index.txt`)
      console.log(`  audit key   ${toHex(running.deps.audit.key!)}`)
      console.log(`  health      ${running.url}/health/ready`)
      await stopped
    })
}

const gaenSettings = ({ region, peers }: ServeCommandOptions): GaenSettings => ({
  keyServer: {
    ...DEFAULT_SETTINGS.gaen.keyServer,
    region: region.toUpperCase(),
    peers: peers === undefined ? [] : readPeers(peers),
  },
  verification: {
    ...DEFAULT_SETTINGS.gaen.verification,
    adminApiKey: process.env['VICINITY_ADMIN_API_KEY'],
    deviceApiKey: process.env['VICINITY_DEVICE_API_KEY'],
  },
})

/** Waits for SIGINT or SIGTERM, then closes. */
export async function untilStopped(running: Pick<Running, 'close'>): Promise<void> {
  await new Promise((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  await running.close()
}

import { mkdirSync } from 'node:fs'
import { toHex, type UnixSeconds } from '@vicinity/protocol'
import { PROFILES, withParameters } from '@vicinity/protocol/robert'
import {
  DEFAULT_SETTINGS,
  type GaenSettings,
  lineLog,
  type Running,
  type ServeOptions,
  type Settings,
  serve,
  settingsFor,
  wallClock,
} from '@vicinity/server'
import { Command } from 'commander'
import {
  CONFIG,
  type Config,
  configOf,
  optionOf,
  optionsOf,
  placesOf,
  SECRETS,
  secretOf,
  shownConfig,
} from './config.ts'
import { readPeers } from './peers.ts'
import { unsafeSettings } from './production.ts'
import { UsageError } from './usage.ts'
import { vaultOf } from './vault.ts'

/** A stop that takes longer is cut: what is cut off was never answered, and nothing of it is lost or counted twice. */
const STOP_MILLISECONDS = 8000

/** Secrets come from the environment: arguments are seen by every user of the machine. */
const ENVIRONMENT = `
Secrets in the environment, or in a file that NAME_FILE names:
${Object.entries(SECRETS)
  .map(([name, what]) => `  ${name.padEnd(26)} ${what}`)
  .join('\n')}`

interface Given extends Readonly<Record<string, unknown>> {
  readonly config?: string
  readonly printConfig?: boolean
  readonly acceptClock?: boolean
}

/** A command with an option for every field of the configuration. */
export function withConfig(command: Command): Command {
  command.option('--config <file>', 'configuration, in JSON; options of the command override it')
  for (const [name, { argument, value, help }] of Object.entries(CONFIG)) {
    const flags = argument === '' ? optionOf(name) : `${optionOf(name)} <${argument}>`
    command.option(flags, value === undefined || value === false ? help : `${help} (default: ${value})`)
  }
  return command
}

export const configGiven = (given: Given): Config => configOf(given.config, optionsOf(given))

export function serveCommand(): Command {
  const command = new Command('serve').description(
    'Run the back-end of a country, by the wall clock, until it is told to stop',
  )
  return withConfig(command)
    .option('--accept-clock', 'start although it last ran more than 30 days ago')
    .option('--print-config', 'print the configuration in force, without secrets, and end')
    .addHelpText('after', ENVIRONMENT)
    .action(async (given: Given) => {
      const config = configGiven(given)
      if (given.printConfig === true) return console.log(shownConfig(config))
      const options = serveOptions(config)
      mkdirSync(config.data, { recursive: true, mode: 0o700 })
      const vault = openedVault(config)
      const acceptClock = given.acceptClock === true
      const running = await serve({ ...options, ...vault, acceptClock }).catch(inWords(config))
      // Who reads the address may stop the server at once: it listens for that first.
      const stopped = untilStopped(running)
      process.on('SIGHUP', running.reload)
      tell(running, config)
      await stopped
    })
}

function openedVault({ vault: url }: Config): Pick<ServeOptions, 'vault'> {
  try {
    const vault = vaultOf(url)
    if (vault === undefined)
      console.error('vicinity: without a vault the keys lie in the open: good enough to try it out')
    return vault === undefined ? {} : { vault }
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** What a server is started with. Throws `UsageError` where the configuration contradicts itself, or production refuses it. */
export function serveOptions(config: Config): ServeOptions {
  const unsafe = config.production ? unsafeSettings(config) : []
  if (unsafe.length > 0) throw new UsageError(`production refuses\n  ${unsafe.join('\n  ')}`)
  const { tlsCertificate: certificate, tlsKey: key, metricsPort } = config
  if ((certificate === undefined) !== (key === undefined)) {
    throw new UsageError('tlsCertificate and tlsKey: give both, or none')
  }
  return {
    settings: settingsOf(config),
    ...placesOf(config),
    role: config.role,
    host: config.host,
    port: config.port,
    durability: config.durability,
    ...(certificate !== undefined && key !== undefined && { tls: { certificate, key } }),
    ...(metricsPort !== undefined && { metrics: { host: config.metricsHost, port: metricsPort } }),
    ...(config.threads !== undefined && { threads: config.threads }),
    log: lineLog((line) => process.stderr.write(`${line}\n`), wallClock),
  }
}

function settingsOf(config: Config): Settings {
  const settings = settingsFor(PROFILES.find(({ name }) => name === config.profile)!)
  try {
    return {
      ...settings,
      parameters: withParameters({ ...settings.parameters, ...config.parameters }),
      serviceStart: config.serviceStart as UnixSeconds,
      countryCode: config.countryCode,
      authorityToken: secretOf('VICINITY_AUTHORITY_TOKEN'),
      replyGrid: config.replyGrid,
      mostQueuedItems: config.mostQueuedItems,
      gaen: gaenSettings(config),
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new UsageError(error.message)
  }
}

const gaenSettings = ({ region, peers }: Config): GaenSettings => ({
  keyServer: {
    ...DEFAULT_SETTINGS.gaen.keyServer,
    region: region.toUpperCase(),
    peers: peers === undefined ? [] : readPeers(peers),
  },
  verification: {
    ...DEFAULT_SETTINGS.gaen.verification,
    adminApiKey: secretOf('VICINITY_ADMIN_API_KEY'),
    deviceApiKey: secretOf('VICINITY_DEVICE_API_KEY'),
  },
})

const inWords =
  ({ port, metricsPort }: Config) =>
  (error: NodeJS.ErrnoException & { readonly port?: number }): never => {
    if (error.code !== 'EADDRINUSE') throw new UsageError(error.message)
    const option = error.port === metricsPort && error.port !== port ? '--metrics-port' : '--port'
    throw new UsageError(`port ${error.port} is taken: give another with ${option}, or 0 for any free one`)
  }

function tell({ url, metricsUrl, deps }: Running, { role }: Config): void {
  console.log(`Vicinity serves at ${url}`)
  if (role !== 'worker') {
    console.log(`  parameters  ${url}/v1/parameters`)
    console.log(`  interface   ${url}/v1/openapi.json`)
    console.log(`  exports     ${url}/exports/index.txt`)
  }
  console.log(`  audit key   ${toHex(deps.audit.key!)}`)
  if (metricsUrl !== undefined) console.log(`  metrics     ${metricsUrl}`)
  console.log(`  health      ${url}/health/ready`)
}

/**
 * Waits for SIGINT or SIGTERM, then closes. What has not ended after eight seconds is cut off with the process, as a crash would: the
 * system that runs the service may be about to do so anyway. So does a second signal.
 */
export async function untilStopped(running: Pick<Running, 'close'>): Promise<void> {
  await new Promise((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  const cut = setTimeout(() => {
    lineLog((line) => process.stderr.write(`${line}\n`), wallClock)('server.cut', { after: STOP_MILLISECONDS / 1000 })
    // A thread that hangs in a call of the system would hold up an orderly end for ever.
    process.kill(process.pid, 'SIGKILL')
  }, STOP_MILLISECONDS)
  await running.close()
  clearTimeout(cut)
}

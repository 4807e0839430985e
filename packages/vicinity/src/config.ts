// What `vicinity serve` is told, once: one table for the configuration file, the options of the command, and docs/operating.md.
// The file gives way to the command; secrets come from the environment, or from files that the system hands to the service.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Codec, integer, Malformed, text } from '@vicinity/protocol'
import { type Parameters, PROFILES, withParameters } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS, ROLES, type Role } from '@vicinity/server'
import { STORES } from './store.ts'
import { UsageError } from './usage.ts'
import { VAULT_TEXT } from './vault.ts'

interface Row<Value> {
  /** What stands in its place where it is shown. */
  readonly argument: string
  readonly codec: Codec<Value>
  readonly value?: Value
  readonly help: string
}

const place = text(500, /^[^\0\n]+$/)
const path = (argument: string, help: string): Row<string> => ({ argument, codec: place, help })

/** A value that is written out: of these one. */
function oneOf<const Values extends readonly string[]>(values: Values): Codec<Values[number]> {
  return {
    decode(json, field) {
      if (!values.includes(json as string)) throw new Malformed(field, `one of ${values.join(', ')}`)
      return json as Values[number]
    },
    encode: (value) => value,
    schema: { enum: values },
  }
}

const yesOrNo: Codec<boolean> = {
  decode(json, field) {
    if (typeof json !== 'boolean') throw new Malformed(field, 'true or false')
    return json
  },
  encode: (value) => value,
  schema: { type: 'boolean' },
}

const chosenParameters: Codec<Partial<Parameters>> = {
  decode(json, field) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Malformed(field, 'an object')
    try {
      withParameters(json)
      return json
    } catch (error) {
      throw new Malformed(field, (error as Error).message)
    }
  },
  encode: (value) => value,
  schema: { type: 'object' },
}

const PORT = integer(0, 65_535)

/** As it is in force: what was chosen, and the defaults of the rest. */
export interface Config {
  readonly production: boolean
  readonly role: Role
  readonly data: string
  readonly keys?: string
  readonly vault?: string
  readonly allowFileVault: boolean
  readonly store?: string
  readonly durability: 'normal' | 'strict'
  readonly exports?: string
  readonly audit?: string
  readonly departed?: string
  readonly host: string
  readonly port: number
  readonly behindProxy: boolean
  readonly tlsCertificate?: string
  readonly tlsKey?: string
  readonly metricsHost: string
  readonly metricsPort?: number
  readonly threads?: number
  readonly replyGrid: number
  readonly mostQueuedItems: number
  readonly serviceStart: number
  readonly countryCode: number
  readonly profile: string
  readonly region: string
  readonly peers?: string
  /** Those that differ from the profile's; only the file has it. */
  readonly parameters: Partial<Parameters>
}
export type Option = Exclude<keyof Config, 'parameters'>

export const CONFIG: { readonly [name in Option]-?: Row<NonNullable<Config[name]>> } = {
  production: {
    argument: '',
    codec: yesOrNo,
    value: false,
    help: 'refuse what is only fit for trying out: see docs/operating.md',
  },
  role: {
    argument: 'name',
    codec: oneOf(ROLES),
    value: 'all',
    help: `everything; only answer callers; or only what happens by the clock: ${ROLES.join(', ')}`,
  },
  data: { argument: 'directory', codec: place, value: '.vicinity/serve', help: 'what follows lies in it unless said' },
  keys: path('directory', 'keys, shared by the processes of a back-end (in the data directory)'),
  vault: path('url', VAULT_TEXT),
  allowFileVault: {
    argument: '',
    codec: yesOrNo,
    value: false,
    help: 'takes a vault in a file in production: its passphrase opens it on any machine',
  },
  store: path('url', `${STORES} (in the data directory)`),
  durability: {
    argument: 'name',
    codec: oneOf(['normal', 'strict'] as const),
    value: 'normal',
    help: 'strict takes nothing in while no synchronous standby of PostgreSQL has it: normal, strict',
  },
  exports: path('directory', 'exports of GAEN, which a web server may serve (in the data directory)'),
  audit: path('file', 'audit log, beside it its signed heads (in the data directory)'),
  departed: path('directory', 'marks of who left, which no backup may hold (in the data directory)'),
  host: { argument: 'address', codec: place, value: '127.0.0.1', help: 'address to listen on' },
  port: { argument: 'number', codec: PORT, value: 8080, help: 'port to listen on' },
  behindProxy: {
    argument: '',
    codec: yesOrNo,
    value: false,
    help: 'a proxy ends TLS and takes addresses away: examples/nginx.conf, examples/haproxy.cfg',
  },
  tlsCertificate: path('file', 'certificate and those between it and the root, in PEM'),
  tlsKey: path('file', 'its private key, in PEM'),
  metricsHost: { argument: 'address', codec: place, value: '127.0.0.1', help: 'address of the metrics' },
  metricsPort: { argument: 'number', codec: PORT, help: 'port of the metrics; without it there are none' },
  threads: {
    argument: 'number',
    codec: integer(0, 256),
    help: 'threads for the cryptography of batches (one for every other processor)',
  },
  replyGrid: {
    argument: 'milliseconds',
    codec: integer(0, 1000),
    value: 20,
    help: 'replies that must tell nothing by their time leave at multiples of it after their requests came; 0 for none',
  },
  mostQueuedItems: {
    argument: 'number',
    codec: integer(1, 1_000_000_000),
    value: 20_000_000,
    help: 'uploads are answered with 503 while more items wait',
  },
  serviceStart: {
    argument: 'unix',
    codec: integer(0, 2 ** 43),
    value: DEFAULT_SETTINGS.serviceStart as number,
    help: 'Unix time of epoch 0; fixed for the life of the database',
  },
  countryCode: {
    argument: 'number',
    codec: integer(0, 255),
    value: DEFAULT_SETTINGS.countryCode,
    help: 'code of the country, one byte',
  },
  profile: {
    argument: 'name',
    codec: oneOf(PROFILES.map(({ name }) => name)),
    value: 'spec',
    help: 'ROBERT to the byte, or as France deployed it; fixed for the life of the database: spec, tac',
  },
  region: {
    argument: 'code',
    codec: text(8, /^[A-Za-z0-9-]+$/),
    value: DEFAULT_SETTINGS.gaen.keyServer.region ?? 'XX',
    help: 'region of the exports',
  },
  peers: path('file', 'JSON list of the servers whose exports are imported: name, index, keys'),
}

/** The option of the command for a field: `tlsKey` is `--tls-key`. */
export const optionOf = (name: string): string =>
  `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

const DEFAULTS = Object.fromEntries(
  Object.entries(CONFIG).flatMap(([name, { value }]) => (value === undefined ? [] : [[name, value]])),
)

/** What a file says, or a command. Throws `Malformed` naming the field. */
function chosenOf(json: unknown): Partial<Config> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Malformed('file', 'an object')
  const codecs: Readonly<Record<string, { readonly codec: Pick<Codec<unknown>, 'decode'> } | undefined>> = {
    ...CONFIG,
    parameters: { codec: chosenParameters },
  }
  const decoded = Object.entries(json).map(([name, value]) => {
    const known = Object.hasOwn(codecs, name) ? codecs[name] : undefined
    if (known === undefined) throw new Malformed(shown(name), 'no such field: see vicinity serve --help')
    return [name, known.codec.decode(value, name)]
  })
  return Object.fromEntries(decoded)
}

/** A name from outside, as far as a message may repeat it. */
const shown = (name: string): string => name.slice(0, 40).replaceAll(/[^\w-]/g, '?')

/** Reads a file of configuration. Lines that begin with // are remarks. Throws `UsageError` with the field and what it has to be. */
export function readConfig(file: string): Partial<Config> {
  const text = orUsage(`${file} cannot be read: give the path of a configuration file`, () =>
    readFileSync(file, 'utf8'),
  )
  const json = orUsage(`${file} is no JSON`, () => JSON.parse(text.replaceAll(/^[ \t]*\/\/.*$/gm, '')))
  try {
    return chosenOf(json)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    throw new UsageError(`${file}: ${error.message}`)
  }
}

function orUsage<Value>(message: string, read: () => Value): Value {
  try {
    return read()
  } catch {
    throw new UsageError(message)
  }
}

/** What the options of a command say, each as text or true. Throws `UsageError` naming the option. */
export function optionsOf(given: Readonly<Record<string, unknown>>): Partial<Config> {
  const chosen = Object.entries(given).filter(([name]) => Object.hasOwn(CONFIG, name))
  const decoded = chosen.map(([name, value]) => {
    const { codec } = CONFIG[name as Option] as Row<unknown>
    const isNumber = codec.schema['type'] === 'integer' && /^-?\d{1,15}$/.test(String(value))
    try {
      return [name, codec.decode(isNumber ? Number(value) : value, optionOf(name))]
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      throw new UsageError(error.message)
    }
  })
  return Object.fromEntries(decoded)
}

/** The configuration in force: defaults, then the file, then the options. Throws `UsageError`. */
export const configOf = (file: string | undefined, options: Partial<Config>): Config =>
  ({
    parameters: {},
    ...DEFAULTS,
    ...(file !== undefined && readConfig(file)),
    ...options,
  }) as Config

/** Where things lie: in the data directory, unless said. */
export const placesOf = ({ data, ...config }: Config) => ({
  keys: config.keys ?? join(data, 'keys'),
  store: config.store ?? `sqlite:${join(data, 'vicinity.db')}`,
  exports: config.exports ?? join(data, 'exports'),
  audit: config.audit ?? join(data, 'audit.log'),
  departed: config.departed ?? join(data, 'departed'),
})

/** Every secret, by the variable of the environment that holds it, and what it opens. */
export const SECRETS = {
  VICINITY_AUTHORITY_TOKEN: 'opens the endpoints of the health authority (ROBERT), as a bearer token',
  VICINITY_ADMIN_API_KEY: 'opens issuing of verification codes (GAEN), as X-API-Key',
  VICINITY_DEVICE_API_KEY: 'opens verification for the app (GAEN), as X-API-Key',
  VICINITY_PASSPHRASE: 'opens a vault in a file',
  VICINITY_PIN: 'opens a vault in a token',
  PGPASSWORD: 'opens the database, where --store postgres://USER@HOST/NAME leaves the password out',
} as const
export type SecretName = keyof typeof SECRETS

/** A secret of the environment, or the first line of the file that NAME_FILE names, as systemd hands it to a service (LoadCredential). */
export function secretOf(name: SecretName): string | undefined {
  const file = process.env[`${name}_FILE`]
  if (process.env[name] !== undefined || file === undefined) return process.env[name]
  const text = orUsage(`${name}_FILE names a file that cannot be read`, () => readFileSync(file, 'utf8'))
  return text.split(/\r?\n/)[0]
}

/** What is in force, for people: no secret is in it. */
export function shownConfig(config: Config): string {
  const all = { ...config, ...placesOf(config) }
  const fields = { ...all, store: withoutPassword(all.store) }
  const secrets = Object.keys(SECRETS).map((name) => [
    name,
    secretOf(name as SecretName) === undefined ? 'not set' : 'set',
  ])
  return JSON.stringify({ ...fields, secrets: Object.fromEntries(secrets) }, undefined, 2)
}

export const withoutPassword = (store: string): string => {
  const url = /^postgres(ql)?:/.test(store) ? URL.parse(store) : null
  if (url === null) return store.startsWith('postgres://') ? 'postgres:…' : store
  if (url.password === '' && !url.searchParams.has('password')) return store
  url.password = ''
  url.searchParams.delete('password')
  return url.href
}

// A key server over a database in memory, and phones that publish with real certificates.
import type { TestContext } from 'node:test'
import { type Random, toHex, type UnixSeconds } from '@vicinity/protocol'
import {
  buildCertificate,
  type DiagnosisKey,
  type ExportFile,
  INTERVAL_SECONDS,
  type IntervalNumber,
  keyAt,
  keyStartAt,
  openArchive,
  parseIndex,
  ROLLING_PERIOD,
  type TestType,
  tekMac,
  toBase64,
} from '@vicinity/protocol/gaen'
import { callDeployed } from '../src/deployed-dispatch.ts'
import { DEFAULT_SETTINGS, type Deps, makeDeps } from '../src/deps.ts'
import type { Download } from '../src/download.ts'
import { type ExportFiles, memoryFiles } from '../src/export-files.ts'
import { exportKeys, exportVerificationKeys } from '../src/flows/key-server/export.ts'
import type { ExportSettings, KeyServerSettings } from '../src/gaen-settings.ts'
import { type KeyFiles, memoryKeys } from '../src/keys/key-files.ts'
import { openStore } from '../src/store/open.ts'
import { NOON, parametersOf, randomOf, SERVICE_START } from './fixture.ts'

export interface KeyServerOptions {
  readonly at?: UnixSeconds
  readonly settings?: Partial<KeyServerSettings>
  readonly exports?: Partial<ExportSettings>
  readonly files?: ExportFiles
  readonly download?: Download
  readonly keyFiles?: KeyFiles
  readonly store?: string
  readonly name?: string
}

export interface KeyServer {
  readonly deps: Deps
  readonly clock: { now: UnixSeconds }
  readonly files: ExportFiles
  /** Names of the statements that ran. */
  readonly statements: string[]
  readonly random: Random
}

export function keyServer(t: Pick<TestContext, 'after'>, options: KeyServerOptions = {}): KeyServer {
  const statements: string[] = []
  const store = openStore(options.store ?? 'sqlite::memory:', { onStatement: (name) => statements.push(name) })
  t.after(() => store.close().catch(() => {}))
  const files = options.files ?? memoryFiles()
  const { gaen } = DEFAULT_SETTINGS
  const exports = { ...gaen.keyServer.exports, ...options.exports }
  const deps = makeDeps({
    store,
    keyFiles: options.keyFiles ?? memoryKeys(),
    random: randomOf(options.name ?? 'key server'),
    settings: {
      ...DEFAULT_SETTINGS,
      serviceStart: SERVICE_START,
      parameters: parametersOf(),
      gaen: { ...gaen, keyServer: { ...gaen.keyServer, exports, ...options.settings } },
    },
    exportFiles: files,
    ...(options.download !== undefined && { download: options.download }),
  })
  const random = randomOf(`phones of ${options.name ?? 'key server'}`)
  return { deps, clock: { now: options.at ?? NOON }, files, statements, random }
}

/** A key as a phone sends it. */
export interface PhoneKey {
  readonly key: string
  readonly rollingStartNumber: number
  readonly rollingPeriod: number
  readonly transmissionRisk?: number
}

/** A key of the day `age` days ago. */
export const phoneKey = (server: KeyServer, age: number, changes: Partial<PhoneKey> = {}): PhoneKey => ({
  key: toBase64(server.random(16)),
  rollingStartNumber: keyStartAt(server.clock.now) - age * ROLLING_PERIOD,
  rollingPeriod: ROLLING_PERIOD,
  ...changes,
})

export const phoneKeys = (server: KeyServer, days: number): PhoneKey[] =>
  Array.from({ length: days }, (_, k) => phoneKey(server, k + 1))

export interface PublishOptions {
  readonly testType?: TestType
  /** Of the certificate. */
  readonly onset?: number
  readonly audience?: string
  readonly issuer?: string
  readonly issued?: UnixSeconds
  /** Fields of the body that are other than they should be. */
  readonly body?: Record<string, unknown>
}

/** The body of a publish with a certificate for its keys. */
export function publishBody(server: KeyServer, keys: readonly PhoneKey[], options: PublishOptions = {}) {
  const { keyServer: settings } = server.deps.settings.gaen
  const { kid, secret } = server.deps.rotatingKeys.current('certificate', server.clock.now)
  const hmacKey = server.random(16)
  const issued = options.issued ?? server.clock.now
  const certificate = buildCertificate(
    {
      issuer: options.issuer ?? settings.issuer,
      audience: options.audience ?? settings.audience,
      testType: options.testType ?? 'confirmed',
      symptomOnset: options.onset as IntervalNumber | undefined,
      tekmac: tekMac(keys, hmacKey),
      issued,
      expires: (issued + 900) as UnixSeconds,
    },
    secret,
    kid,
  )
  return {
    temporaryExposureKeys: keys,
    healthAuthorityID: settings.healthAuthorityId,
    verificationPayload: certificate,
    hmacKey: toBase64(hmacKey),
    padding: toBase64(server.random(100)),
    ...options.body,
  }
}

export interface PublishAnswer {
  readonly status: number
  readonly size: number
  readonly code: string | undefined
  readonly error: string | undefined
  readonly revisionToken: string
  readonly insertedExposures: number
  readonly warnings: readonly string[] | undefined
  readonly padding: string
}

export async function send(
  server: KeyServer,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<PublishAnswer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const call = { method: 'POST', path: '/v1/publish', body: text, headers } as const
  const answer = await callDeployed(server.deps, call, server.clock.now)
  const json = JSON.parse(new TextDecoder().decode(answer.body))
  return { ...json, code: json.code, error: json.error, status: answer.status, size: answer.body.length }
}

export const publishKeys = (
  server: KeyServer,
  keys: readonly PhoneKey[],
  options: PublishOptions = {},
): Promise<PublishAnswer> => send(server, publishBody(server, keys, options))

export const onsetOf = (at: UnixSeconds, daysAgo: number): number =>
  Math.floor((at - daysAgo * 86_400) / INTERVAL_SECONDS)

export async function runExports(server: KeyServer, seconds = 0): Promise<void> {
  server.clock.now = (server.clock.now + seconds) as UnixSeconds
  await exportKeys(server.deps, server.clock.now)
}

export interface ListedExport extends ExportFile {
  readonly path: string
}

/** All that a phone downloads: every file of the index, verified. Throws where one is missing or not genuine. */
export async function listedExports(server: Pick<KeyServer, 'deps' | 'files'>): Promise<ListedExport[]> {
  const index = await server.files.read('index.txt')
  const trusted = [exportVerificationKeys(server.deps)]
  const listed: ListedExport[] = []
  for (const path of parseIndex(index ?? new Uint8Array(0))) {
    const archive = await server.files.read(path)
    if (archive === undefined) throw new Error(`the index lists ${path}, which is missing`)
    const opened = openArchive(archive, trusted)
    if (!opened.ok) throw new Error(`${path}: ${opened.reason}`)
    listed.push({ ...opened.value, path })
  }
  return listed
}

export const keysIn = (file: ExportFile, list: 'keys' | 'revisedKeys' = 'keys'): DiagnosisKey[] =>
  Array.from({ length: file[list].count }, (_, k) => keyAt(file[list], k))

export const hexOf = (key: DiagnosisKey): string => toHex(key.keyData)
export const hexOfPhoneKey = ({ key }: PhoneKey): string => Buffer.from(key, 'base64').toString('hex')

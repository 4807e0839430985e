// A verification server, and the calls of an authority and of a phone to it.
import type { TestContext } from 'node:test'
import type { UnixSeconds } from '@vicinity/protocol'
import { parseCertificate, toBase64 } from '@vicinity/protocol/gaen'
import { callDeployed } from '../src/deployed-dispatch.ts'
import { DEFAULT_GAEN_SETTINGS, type VerificationSettings } from '../src/gaen-settings.ts'
import { type BackEnd, backEnd, randomOf } from './fixture.ts'

export const ADMIN_KEY = 'key of the authority'
export const DEVICE_KEY = 'key of the app'
export const MAC = toBase64(randomOf('mac')(32))
export const DATES = { symptomDate: '2026-03-18', testDate: '2026-03-19' }

export interface Reply {
  readonly status: number
  /** What was said, without the padding. */
  readonly said: Readonly<Record<string, unknown>>
  readonly errorCode: unknown
  /** Bytes of the body. */
  readonly size: number
}

export interface Options {
  readonly key?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly raw?: string
}

export interface VerificationServer extends BackEnd {
  readonly post: (path: string, body: unknown, options?: Options) => Promise<Reply>
  /** A code of the authority. */
  readonly code: (request?: Readonly<Record<string, unknown>>) => Promise<string>
  /** The token of a new code. */
  readonly token: (request?: Readonly<Record<string, unknown>>) => Promise<string>
}

const DEVICE_PATHS = ['/api/verify', '/api/certificate', '/api/user-report']

export async function verificationServer(
  t: TestContext,
  changes: Partial<VerificationSettings> = {},
): Promise<VerificationServer> {
  const verification = {
    ...DEFAULT_GAEN_SETTINGS.verification,
    adminApiKey: ADMIN_KEY,
    deviceApiKey: DEVICE_KEY,
    ...changes,
  }
  const server = await backEnd(t, { settings: { gaen: { ...DEFAULT_GAEN_SETTINGS, verification } } })
  const post: VerificationServer['post'] = async (path, body, options = {}) => {
    const own = DEVICE_PATHS.includes(path) ? DEVICE_KEY : ADMIN_KEY
    const key = 'key' in options ? options.key : own
    const headers = { ...(key === undefined ? {} : { 'x-api-key': key }), ...options.headers }
    const text = options.raw ?? JSON.stringify(body)
    const answer = await callDeployed(server.deps, { method: 'POST', path, body: text, headers }, server.clock.now)
    const { padding: _, ...said } = JSON.parse(Buffer.from(answer.body).toString())
    return { status: answer.status, said, errorCode: said.errorCode, size: answer.body.length }
  }
  const code: VerificationServer['code'] = async (request = {}) => {
    const { said } = await post('/api/issue', { testType: 'confirmed', ...DATES, ...request })
    return String(said['code'])
  }
  const token: VerificationServer['token'] = async (request) => {
    const { said } = await post('/api/verify', { code: await code(request) })
    return String(said['token'])
  }
  return { ...server, post, code, token }
}

/** Any public key path. */
export async function fetchKeys(server: BackEnd, path = '/jwks'): Promise<unknown> {
  const request = { method: 'GET', path, body: undefined, headers: {} } as const
  const { body } = await callDeployed(server.deps, request, server.clock.now)
  return JSON.parse(Buffer.from(body).toString())
}

export const claimsOf = ({ said }: Reply) => parseCertificate(String(said['certificate']))!

export const setClock = (server: BackEnd, at: number): void => {
  server.clock.now = at as UnixSeconds
}

import type { UnixSeconds } from '@vicinity/protocol'
import type { DeployedEndpoint } from './deployed.ts'
import type { Deps } from './deps.ts'
import { KEY_SERVER_ENDPOINTS } from './flows/key-server/endpoints.ts'
import { VERIFICATION_ENDPOINTS } from './flows/verification/endpoints.ts'

/** Every endpoint in the formats of the deployed world. */
export const DEPLOYED_ENDPOINTS: readonly DeployedEndpoint[] = [...VERIFICATION_ENDPOINTS, ...KEY_SERVER_ENDPOINTS]

/** A call as it goes over the network. */
export interface DeployedRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** The back-end without a network between: the same endpoints, their answers as bytes. */
export async function callDeployed(
  deps: Deps,
  request: DeployedRequest,
  at: UnixSeconds,
): Promise<{ readonly status: number; readonly body: Uint8Array }> {
  const bytes = (body: object | Uint8Array) =>
    body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body))
  for (const endpoint of DEPLOYED_ENDPOINTS) {
    const prefix = endpoint.path.endsWith('*') ? endpoint.path.slice(0, -1) : undefined
    const fits = prefix === undefined ? endpoint.path === request.path : request.path.startsWith(prefix)
    if (!fits || endpoint.method !== request.method) continue
    const body = request.body ?? ''
    const rest = prefix === undefined ? '' : request.path.slice(prefix.length)
    const call = { json: request.method === 'GET' ? undefined : jsonOf(body), body, headers: request.headers, rest }
    const answer = await endpoint.run(deps, call, at)
    return { status: answer.status, body: bytes(answer.body) }
  }
  return { status: 404, body: bytes({ error: 'no such endpoint' }) }
}

/** Undefined when it is no JSON: the endpoints answer that in their own way. */
export function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

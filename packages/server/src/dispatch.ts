import {
  api,
  ascii,
  type EndpointName,
  Malformed,
  type RequestOf,
  type ResponseOf,
  type UnixSeconds,
} from '@vicinity/protocol'
import { equalBytes, sha256 } from '@vicinity/protocol/crypto'
import { AuditError } from './audit/log.ts'
import { type Deps, Refused, Unavailable } from './deps.ts'
import { authenticatedRequests } from './flows/authenticated-requests.ts'
import { codeWindow } from './flows/authority/code-window.ts'
import { issueCode } from './flows/authority/issue-code.ts'
import { issueReset } from './flows/authority/issue-reset.ts'
import { redeemCode } from './flows/authority/redeem-code.ts'
import { challenge } from './flows/challenge.ts'
import { clock } from './flows/clock.ts'
import { live, ready } from './flows/health.ts'
import { parameters } from './flows/parameters.ts'
import { register } from './flows/register.ts'
import { upload } from './flows/upload.ts'
import { StoreFailure } from './store/failures.ts'
import { VaultError } from './vault/vault.ts'

type Flows = {
  readonly [Name in EndpointName]: (deps: Deps, input: RequestOf<Name>, at: UnixSeconds) => Promise<ResponseOf<Name>>
}

/** `api.x` is served by `flows/x`. */
const flows: Flows = {
  challenge,
  register,
  request: async (deps, { request }, at) => {
    if (deps.requests !== undefined) return { reply: await deps.requests(request) }
    const [reply] = await authenticatedRequests(deps, [request], at)
    return { reply: reply as Uint8Array }
  },
  issueCode,
  issueReset,
  codeWindow,
  redeemCode,
  upload,
  parameters,
  clock,
  live,
  ready,
}

/**
 * One call from outside: authorise, decode, run the flow, encode. `json` is the parsed body, `{}` where there is none.
 * Rejects with `Malformed`, `Refused`, `Unavailable`, or what the world threw: see `statusOf`.
 */
export async function dispatch(
  deps: Deps,
  name: EndpointName,
  json: unknown,
  authorization: string | undefined,
  at: UnixSeconds,
): Promise<unknown> {
  const endpoint = api[name]
  // With a clock that cannot be trusted nothing is decided: no warning, no limit, no key of a day.
  if (name !== 'live' && name !== 'ready' && !deps.clockIsSteady())
    throw new Unavailable('the clock of the back-end stepped')
  if (endpoint.auth === 'authority') authorise(deps, authorization)
  const flow = flows[name] as (deps: Deps, input: unknown, at: UnixSeconds) => Promise<never>
  return endpoint.response.encode(await flow(deps, endpoint.request.decode(json, 'body'), at))
}

function authorise(deps: Deps, authorization: string | undefined): void {
  const token = deps.settings.authorityToken
  // Hashes have one length, so the comparison tells nothing about the token's.
  const given = sha256(ascii(authorization ?? ''))
  if (token !== undefined && equalBytes(given, sha256(ascii(`Bearer ${token}`)))) return
  deps.audit.refused()
  throw new Refused('authorization')
}

/** What a disk says that is full, or fails: no key can be made then, and the next may succeed. */
const DISK_ERRORS: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO']

/** The only table from an error to an answer. No text of an unexpected error leaves the process. */
export function statusOf(error: unknown): { status: number; body: { error: string; field?: string } } {
  if (error instanceof Malformed) return { status: 400, body: { error: error.message, field: error.field } }
  if (error instanceof Refused)
    return { status: error.reason === 'authorization' ? 401 : 403, body: { error: error.reason } }
  if (error instanceof Unavailable) return { status: 503, body: { error: error.message } }
  if (error instanceof AuditError) return { status: 503, body: { error: 'audit' } }
  if (error instanceof VaultError) return { status: 503, body: { error: 'vault' } }
  if (error instanceof StoreFailure) return { status: 503, body: { error: 'store' } }
  if (DISK_ERRORS.includes((error as { code?: unknown } | undefined)?.code))
    return { status: 503, body: { error: 'disk' } }
  return { status: 500, body: { error: 'internal' } }
}

// POST /v1/publish: the keys of somebody with a certificate are stored, and the export that covers their hour has them.
import { accepted, Malformed, type Outcome, refused, type UnixSeconds } from '@vicinity/protocol'
import {
  admitKeys,
  fromBase64,
  openRevisionToken,
  PUBLISH_BYTES,
  type PublishPlan,
  type PublishReport,
  type PublishRequest,
  parsePublish,
  planPublish,
  REPORT_TYPE_OF,
  type RevisableKey,
  type RevisionRefusal,
  sealRevisionToken,
  tekMacFits,
  toBase64,
  verifyCertificate,
} from '@vicinity/protocol/gaen'
import type { DeployedAnswer, DeployedCall } from '../../deployed.ts'
import { type Deps, Unavailable } from '../../deps.ts'
import { type PublishAnswer, padded, refusal } from './publish-answer.ts'
import { storePublish } from './publish-store.ts'

interface CheckedPublish {
  readonly request: PublishRequest
  readonly report: PublishReport
}
interface Refused {
  readonly ok: false
  readonly answer: PublishAnswer
}
type Checked = { readonly ok: true; readonly value: CheckedPublish } | Refused

/**
 * Answers a publish. One that is chaff, refused or empty runs the same statements as one that stores thirty keys. Chaff says so with the
 * header `X-Chaff`, or with a `padding` that begins with `chaff`, which makes the request no byte longer.
 */
export async function publish(deps: Deps, call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> {
  if (!deps.clockIsSteady()) throw new Unavailable('the clock of the back-end stepped')
  const chaff = isChaff(call)
  const checked = checkCall(deps, call, at)
  const answer =
    checked.ok && !chaff ? await take(deps, checked.value, at) : await takeNothing(deps, checked, chaff, at)
  deps.count(chaff ? 'publish.chaff' : `publish.${answer.code ?? 'stored'}`)
  return padded(deps, answer)
}

const CHAFF = 'chaff'
function isChaff({ headers, json }: DeployedCall): boolean {
  if (headers['x-chaff'] !== undefined) return true
  const padding = (json as { readonly padding?: unknown } | null | undefined)?.padding
  return typeof padding === 'string' && padding.startsWith(CHAFF)
}

/** What needs no look at the store. */
function checkCall(deps: Deps, call: DeployedCall, at: UnixSeconds): Checked {
  const { healthAuthorityId, region } = deps.settings.gaen.keyServer
  const request = requestOf(call)
  if ('status' in request) return { ok: false, answer: request }
  if (request.healthAuthorityId !== healthAuthorityId) {
    return failed(401, 'unknown_health_authority_id', 'unauthorized health authority')
  }
  if (region === undefined) {
    return failed(500, 'health_authority_missing_region_config', 'unknown health authority regions')
  }
  const report = reportOf(deps, request, at)
  return report.ok
    ? accepted({ request, report: report.value })
    : failed(
        401,
        'health_authority_verification_certificate_invalid',
        `unable to validate diagnosis verification: ${report.reason}`,
      )
}

const failed = (...parts: Parameters<typeof refusal>): Refused => ({ ok: false, answer: refusal(...parts) })

function requestOf(call: DeployedCall): PublishRequest | PublishAnswer {
  const unreadable = 'error unmarshalling API call, code'
  if (Buffer.byteLength(call.body) > PUBLISH_BYTES) {
    return refusal(413, 'bad_request', `${unreadable}: 413: request body too large`)
  }
  try {
    return parsePublish(call.json)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return refusal(400, 'bad_request', `${unreadable}: 400: ${error.message}`)
  }
}

/** What the certificate says, when it holds and is bound to these keys. */
function reportOf(deps: Deps, request: PublishRequest, at: UnixSeconds): Outcome<PublishReport, string> {
  const { keyServer, verification } = deps.settings.gaen
  const own = keyServer.issuer === verification.issuer ? deps.rotatingKeys.accepted('certificate', at) : []
  const keys = [...own, ...keyServer.certificateKeys]
  const certificate = verifyCertificate(request.verificationPayload, keys, keyServer, at)
  if (!certificate.ok) return certificate
  const { tekmac, testType, symptomOnset } = certificate.value
  const secret = bytesOf(request.hmacKey)
  if (secret === undefined || !tekMacFits(tekmac, request.keys, secret)) return refused('hmac')
  return accepted({ reportType: REPORT_TYPE_OF[testType], symptomOnset })
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    return fromBase64(text)
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

const REVISION_ERRORS: Readonly<Record<RevisionRefusal, string>> = {
  missing_revision_token: 'no revision token, but sent existing keys',
  invalid_revision_token: 'revision token is invalid',
  key_already_revised: 'key was already revised',
  invalid_report_type_transition: 'the report of a key cannot change so',
  internal_error: 'Internal Server Error',
}

async function take(deps: Deps, { request, report }: CheckedPublish, at: UnixSeconds): Promise<PublishAnswer> {
  const admission = admitKeys(request, report, at)
  if (!admission.ok) {
    const answer = refusal(400, 'bad_request', `unable to read request data: ${admission.reason}`)
    return takeNothing(deps, { ok: false, answer }, false, at)
  }
  const { keys, errors, warnings } = admission.value
  const token = tokenOf(deps, request, at)
  const names = keys.map(({ key }) => key.keyData)
  const stored = await storePublish(deps, names, (known) => planPublish(keys, known, token, at), at)
  if (!stored.ok) return refusal(400, stored.reason, REVISION_ERRORS[stored.reason], warnings)
  return {
    status: 200,
    revisionToken: sealToken(deps, stored.value.revisable, at),
    insertedExposures: stored.value.inserted,
    ...(errors.length > 0 && { code: 'partial_failure', error: errors.join('; ') }),
    ...(warnings.length > 0 && { warnings }),
  }
}

const NOTHING: PublishPlan = { inserts: [], revisions: [], revisable: [] }

/** Runs the statements of a publish and stores nothing. Chaff is told that it succeeded. */
async function takeNothing(deps: Deps, checked: Checked, chaff: boolean, at: UnixSeconds): Promise<PublishAnswer> {
  await storePublish(deps, [], () => accepted(NOTHING), at)
  const success = { status: 200, revisionToken: sealToken(deps, [], at), insertedExposures: 0 }
  return chaff || checked.ok ? success : checked.answer
}

function sealToken(deps: Deps, keys: readonly RevisableKey[], at: UnixSeconds): string {
  const { kid, secret } = deps.rotatingKeys.current('revision', at)
  return toBase64(sealRevisionToken(kid, secret, keys, deps.gaenRandom))
}

/** What the revision token of a publish lists. As deployed, one that is not even base64 is none. */
function tokenOf(
  deps: Deps,
  { revisionToken }: PublishRequest,
  at: UnixSeconds,
): readonly RevisableKey[] | 'none' | 'invalid' {
  const token = revisionToken === '' ? undefined : bytesOf(revisionToken)
  if (token === undefined) return 'none'
  const keys = deps.rotatingKeys.accepted('revision', at)
  return openRevisionToken(token, (kid) => keys.find((key) => key.kid === kid)?.secret) ?? 'invalid'
}

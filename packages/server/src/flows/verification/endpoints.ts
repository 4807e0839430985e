import { ascii, Malformed } from '@vicinity/protocol'
import { equalBytes, sha256 } from '@vicinity/protocol/crypto'
import type { DeployedEndpoint } from '../../deployed.ts'
import { Unavailable } from '../../deps.ts'
import type { VerificationSettings } from '../../gaen-settings.ts'
import { refusal } from './answers.ts'
import { batchIssue } from './batch-issue.ts'
import { certify, certifyChaff } from './certify.ts'
import { checkCodeStatus, expireCode } from './code-status.ts'
import { issue } from './issue-code.ts'
import { listOfKeys, setOfKeys } from './public-keys.ts'
import { REFUSALS, type Reason } from './refusals.ts'
import { userReport, userReportChaff } from './user-report.ts'
import { verifyChaff, verifyCode } from './verify-code.ts'

type Run = DeployedEndpoint['run']

interface Guard {
  /** Which X-API-Key opens the endpoint. */
  readonly key: (settings: VerificationSettings) => string | undefined
  /** Answers a request with X-Chaff instead. */
  readonly chaff?: Run
  /** Whether it is closed in maintenance. */
  readonly maintained: boolean
  /** What a request is refused as that cannot be read. */
  readonly unreadable: Reason
}

/** In the order of the deployed server: who asks, chaff, maintenance, and only then what was sent. */
const guarded =
  (guard: Guard, run: Run): Run =>
  async (deps, call, at) => {
    if (!deps.clockIsSteady()) throw new Unavailable('the clock of the back-end stepped')
    const settings = deps.settings.gaen.verification
    if (!opens(guard.key(settings), call.headers['x-api-key'])) {
      deps.audit.refused()
      return refusal(deps.gaenRandom, 'unauthorized')
    }
    if (guard.chaff !== undefined && (call.headers['x-chaff'] ?? '') !== '') return await guard.chaff(deps, call, at)
    if (guard.maintained && settings.maintenance) return refusal(deps.gaenRandom, 'maintenance')
    try {
      return await run(deps, call, at)
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      return refusal(deps.gaenRandom, guard.unreadable, error.message)
    }
  }

function opens(key: string | undefined, given: string | undefined): boolean {
  // Hashes have one length, so the comparison tells nothing about the key's.
  const fits = equalBytes(sha256(ascii((given ?? '').trim())), sha256(ascii(key ?? '')))
  return key !== undefined && key !== '' && fits
}

const admin = (settings: VerificationSettings) => settings.adminApiKey
const device = (settings: VerificationSettings) => settings.deviceApiKey

/** The largest body that the deployed server reads. */
const LIMIT = 64_000

const post = (path: string, summary: string, guard: Guard, run: Run): DeployedEndpoint => ({
  method: 'POST',
  path,
  limit: LIMIT,
  summary,
  ...(guard.chaff !== undefined && { onGrid: true }),
  errorFields: (status) => {
    const errorCode = status === 400 ? REFUSALS[guard.unreadable].errorCode : 'internal_server_error'
    return { errorCode, error_code: errorCode }
  },
  run: guarded(guard, run),
})
const get = (path: string, summary: string, run: Run): DeployedEndpoint => ({
  method: 'GET',
  path,
  limit: 0,
  summary,
  run,
})

const ISSUING: Guard = { key: admin, maintained: true, unreadable: 'unparsable' }
const ASKING: Guard = { key: admin, maintained: false, unreadable: 'statusUnparsable' }

/** The API of Google's verification server. */
export const VERIFICATION_ENDPOINTS: readonly DeployedEndpoint[] = [
  post('/api/issue', 'A code for one diagnosed person', ISSUING, issue),
  post('/api/batch-issue', 'Up to ten codes, each for itself', ISSUING, batchIssue),
  post('/api/checkcodestatus', 'Whether a code was claimed', ASKING, checkCodeStatus),
  post('/api/expirecode', 'Ends a code that nobody claimed', ASKING, expireCode),
  post(
    '/api/verify',
    'A code becomes a token',
    { key: device, chaff: verifyChaff, maintained: true, unreadable: 'unparsable' },
    verifyCode,
  ),
  post(
    '/api/certificate',
    'A token becomes a certificate',
    { key: device, chaff: certifyChaff, maintained: false, unreadable: 'tokenInvalid' },
    certify,
  ),
  post(
    '/api/user-report',
    'A code for somebody who reports without the authority, by message',
    { key: device, chaff: userReportChaff, maintained: true, unreadable: 'unparsable' },
    userReport,
  ),
  get('/jwks', 'The public keys of certificates, as a set', setOfKeys),
  get('/jwks/1', 'The public keys of certificates, as a list', listOfKeys),
]

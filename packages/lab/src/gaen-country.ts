// A country of GAEN as its phones and its authority meet it.
import type { GaenHost, GaenSettings, Outgoing } from '@vicinity/client/gaen'
import type { UnixSeconds } from '@vicinity/protocol'
import { publicPoint } from '@vicinity/protocol/crypto'
import { parseIndex, type TestType } from '@vicinity/protocol/gaen'
import { DEFAULT_GAEN_SETTINGS, type Deps, type GaenSettings as ServerSettings } from '@vicinity/server'

/** Everything here is on this machine. */
const ADMIN_KEY = 'admin API key of the lab'
const DEVICE_KEY = 'device API key of the lab'

/** In the lab windows follow each other fast, and files are small. */
export const LAB_GAEN: ServerSettings = {
  verification: { ...DEFAULT_GAEN_SETTINGS.verification, adminApiKey: ADMIN_KEY, deviceApiKey: DEVICE_KEY },
  keyServer: DEFAULT_GAEN_SETTINGS.keyServer,
}

type Answer = { readonly status: number; readonly body: Uint8Array }

export interface GaenWays {
  /** What an application of this country is built with. */
  readonly built: Pick<GaenSettings, 'trusted' | 'apiKey' | 'healthAuthorityId'>
  readonly send: GaenHost['send']
  /** The authority issues a code to somebody who was tested today. */
  readonly issueCode: (testType: TestType) => Promise<string>
  /** Files that the index names. */
  readonly countExports: () => Promise<number>
}

export function gaenWays(
  deps: Deps,
  send: (request: Outgoing) => Promise<Answer | undefined>,
  now: () => UnixSeconds,
): GaenWays {
  const { exports, healthAuthorityId } = deps.settings.gaen.keyServer
  const trusted = exports.signers.map(({ version }) => ({
    keyId: exports.keyId,
    keyVersion: version,
    point: publicPoint(deps.gaenKeys.exportKey(version)),
  }))
  const asked = async (request: Outgoing): Promise<Uint8Array> => {
    const answer = await send(request)
    if (answer?.status !== 200) throw new Error(`${request.path}: status ${answer?.status}`)
    return answer.body
  }
  return {
    built: { trusted, apiKey: DEVICE_KEY, healthAuthorityId },
    send,
    async issueCode(testType) {
      const testDate = new Date(now() * 1000).toISOString().slice(0, 10)
      const headers = { 'content-type': 'application/json', 'x-api-key': ADMIN_KEY }
      const body = JSON.stringify({ testType, testDate, tzOffset: 0 })
      const answer = await asked({ method: 'POST', path: '/api/issue', body, headers })
      return (JSON.parse(new TextDecoder().decode(answer)) as { readonly code: string }).code
    },
    async countExports() {
      const index = await asked({ method: 'GET', path: '/exports/index.txt', body: undefined, headers: {} })
      return parseIndex(index).length
    },
  }
}

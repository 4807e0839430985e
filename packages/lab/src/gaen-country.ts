// A country of GAEN as its phones and its authority meet it.
import { type GaenHost, type GaenSettings, type OpenedKeys, type Outgoing, openKeys } from '@vicinity/client/gaen'
import { DAY_SECONDS, toHex, type UnixSeconds } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import { parseIndex, type TestType } from '@vicinity/protocol/gaen'
import { DEFAULT_GAEN_SETTINGS, type Deps, type GaenSettings as ServerSettings } from '@vicinity/server'

/** Everything here is on this machine. */
const ADMIN_KEY = 'admin API key of the lab'
const DEVICE_KEY = 'device API key of the lab'

const { verification, keyServer } = DEFAULT_GAEN_SETTINGS

/** One file a day, and no invented keys: in the lab there is nobody to hide from, and hundreds of phones read every file. */
export const LAB_GAEN: ServerSettings = {
  verification: { ...verification, adminApiKey: ADMIN_KEY, deviceApiKey: DEVICE_KEY },
  keyServer: {
    ...keyServer,
    exports: { ...keyServer.exports, window: DAY_SECONDS, padding: undefined },
  },
}

type Answer = { readonly status: number; readonly body: Uint8Array }

export interface GaenWays {
  /** What an application of this country is built with. */
  readonly built: Pick<GaenSettings, 'trusted' | 'apiKey' | 'healthAuthorityId'>
  readonly send: GaenHost['send']
  /** Each file is verified and parsed once for all phones. */
  readonly open: GaenHost['open']
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
    point: deps.gaenKeys.exportPoint(version),
  }))
  const asked = async (request: Outgoing): Promise<Uint8Array> => {
    const answer = await send(request)
    if (answer?.status !== 200) throw new Error(`${request.path}: status ${answer?.status}`)
    return answer.body
  }
  const opened = new Map<string, OpenedKeys | undefined>()
  return {
    open(archive, keys) {
      const name = toHex(sha256(archive))
      if (!opened.has(name)) opened.set(name, openKeys(archive, keys))
      return opened.get(name)
    },
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

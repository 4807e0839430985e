import { toBase64url, type UnixSeconds } from '@vicinity/protocol'
import type { DeployedAnswer, DeployedCall } from '../../deployed.ts'
import type { Deps } from '../../deps.ts'

/** The keys that certificates are signed with, now and shortly before and after, as JSON Web Keys (RFC 7517). */
const publicKeys = (deps: Deps, at: UnixSeconds): object[] =>
  deps.rotatingKeys.accepted('certificate', at).map(({ kid, point }) => ({
    kty: 'EC',
    crv: 'P-256',
    alg: 'ES256',
    use: 'sig',
    kid,
    x: toBase64url(point.subarray(1, 33)),
    y: toBase64url(point.subarray(33)),
  }))

/** GET /jwks/1: a bare list, as the deployed server gives for each of its realms and as the deployed key server reads it. */
export const listOfKeys = async (deps: Deps, _call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> => ({
  status: 200,
  body: publicKeys(deps, at),
})

/** GET /jwks: the set of RFC 7517, for everybody else. */
export const setOfKeys = async (deps: Deps, _call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> => ({
  status: 200,
  body: { keys: publicKeys(deps, at) },
})

// The requests of a publication, in the form of the deployed servers. Whatever they say, and whether anything is said, they have one size.
import { type Random, toBase64url } from '@vicinity/protocol'
import { ROLLING_PERIOD, tekMac, toBase64 } from '@vicinity/protocol/gaen'
import type { Outgoing } from './events.ts'
import type { GaenStep, Publication, PublishedKey } from './state.ts'

/** Enough for thirty keys with the longest revision token; what were longer still would have a multiple. */
const BODY_BYTES = 8192
const ACCEPTED = ['confirmed', 'likely', 'negative']

/** The request that the stage of a publication begins with. */
export function requestOf(step: GaenStep, publication: Publication): Outgoing {
  const { path, fieldsOf } = REQUESTS[publication.stage as keyof typeof REQUESTS]
  return {
    method: 'POST',
    path,
    body: padded(fieldsOf(publication, step), step.random),
    headers: {
      'content-type': 'application/json',
      'x-api-key': step.state.settings.apiKey,
      // As long as the other, in HTTP/1.1 and by the code of HPACK: a marker must not show by its size.
      [publication.chaff ? 'x-chaff' : 'x-usual']: '1',
    },
  }
}

interface Request {
  readonly path: string
  readonly fieldsOf: (publication: Publication, step: GaenStep) => object
}

const REQUESTS: Readonly<Record<Exclude<Publication['stage'], 'code'>, Request>> = {
  verify: { path: '/api/verify', fieldsOf: ({ code }) => ({ code, accept: ACCEPTED }) },
  certificate: {
    path: '/api/certificate',
    fieldsOf: ({ token, keys, hmacKey }) => ({ token, ekeyhmac: toBase64(tekMac(keys.map(inJson), hmacKey)) }),
  },
  publish: {
    path: '/v1/publish',
    fieldsOf: ({ keys, certificate, hmacKey, onset, chaff }, { state }) => ({
      temporaryExposureKeys: keys.map(inJson),
      healthAuthorityID: state.settings.healthAuthorityId,
      verificationPayload: certificate,
      hmacKey: toBase64(hmacKey),
      ...(onset !== undefined && { symptomOnsetInterval: onset * ROLLING_PERIOD }),
      traveler: false,
      revisionToken: chaff ? '' : state.revisionToken,
    }),
  },
}

const inJson = ({ keyData, rollingStart, rollingPeriod }: PublishedKey) => ({
  key: toBase64(keyData),
  rollingStartNumber: rollingStart,
  rollingPeriod,
  transmissionRisk: 0,
})

/** Filled with random text to the size of every request. All that is in it is ASCII. The mark before keeps it from being read as another. */
function padded(fields: object, random: Random): string {
  const { length } = JSON.stringify({ ...fields, padding: '-' })
  const missing = BODY_BYTES * Math.ceil(length / BODY_BYTES) - length
  const padding = `-${toBase64url(random(Math.ceil((missing * 3) / 4))).slice(0, missing)}`
  return JSON.stringify({ ...fields, padding })
}

/** What a deployment of GAEN chooses when it is set up. */
export interface GaenSettings {
  readonly verification: VerificationSettings
  readonly keyServer: KeyServerSettings
}

/** Who issues certificates, for whom, and who may ask. */
export interface VerificationSettings {
  /** X-API-Key of the health authority's systems; undefined closes their endpoints. */
  readonly adminApiKey: string | undefined
  /** X-API-Key that every copy of the app carries; undefined closes its endpoints. */
  readonly deviceApiKey: string | undefined
  /** `iss` of a certificate: a key server finds the health authority by it. */
  readonly issuer: string
  /** `aud` of a certificate: the key servers that it is for. */
  readonly audience: string
}

export interface KeyServerSettings {
  /** What a phone's publish has to name, in lower case. */
  readonly healthAuthorityId: string
  /** `iss` of the certificates that are taken. */
  readonly issuer: string
  /** `aud` of the certificates that are taken. */
  readonly audience: string
  /** Region of the exports, in upper case. */
  readonly region: string
}

export const DEFAULT_GAEN_SETTINGS: GaenSettings = {
  verification: {
    adminApiKey: undefined,
    deviceApiKey: undefined,
    issuer: 'vicinity.verification',
    audience: 'vicinity.key-server',
  },
  keyServer: {
    healthAuthorityId: 'vicinity',
    issuer: 'vicinity.verification',
    audience: 'vicinity.key-server',
    region: 'XX',
  },
}

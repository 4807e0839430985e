import type { TestType } from '@vicinity/protocol/gaen'

/** What a deployment of GAEN chooses when it is set up. */
export interface GaenSettings {
  readonly verification: VerificationSettings
  readonly keyServer: KeyServerSettings
}

/** Who issues certificates, for whom, and who may ask. Names and defaults are those of the deployed server. */
export interface VerificationSettings {
  /** X-API-Key of the health authority's systems; undefined closes their endpoints. */
  readonly adminApiKey: string | undefined
  /** X-API-Key that every copy of the app carries; undefined closes its endpoints. */
  readonly deviceApiKey: string | undefined
  /** `iss` of a certificate: a key server finds the health authority by it. */
  readonly issuer: string
  /** `aud` of a certificate: the key servers that it is for. */
  readonly audience: string
  /** Reports that codes are issued for. */
  readonly testTypes: readonly TestType[]
  /** Whether a code needs the day of the symptoms or of the test. */
  readonly requireDate: boolean
  /** Codes that may be issued in a UTC day; undefined for any number. */
  readonly codesPerDay: number | undefined
  /** Wrong short codes in 15 minutes, of all phones together, after which none is looked at until the next 15 minutes. */
  readonly wrongCodes: number
  /** Issues and takes no codes for now. */
  readonly maintenance: boolean
  /** Sends a text to a phone number in E.164 form; undefined where there is no way to. */
  readonly sendMessage: ((phone: string, text: string) => Promise<void>) | undefined
  /** What is sent with a code of the authority: [code], [longcode], and in [expires] minutes, [longexpires] hours. */
  readonly message: string
  /** What is sent to who reports without the authority. */
  readonly userReportMessage: string
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
    testTypes: ['confirmed', 'likely', 'negative'],
    requireDate: true,
    codesPerDay: undefined,
    wrongCodes: 300,
    maintenance: false,
    sendMessage: undefined,
    message: 'Your verification code: [longcode] (valid for [longexpires] hours)',
    userReportMessage: 'Your verification code: [code] (valid for [expires] minutes)',
  },
  keyServer: {
    healthAuthorityId: 'vicinity',
    issuer: 'vicinity.verification',
    audience: 'vicinity.key-server',
    region: 'XX',
  },
}

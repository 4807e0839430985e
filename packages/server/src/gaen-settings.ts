import type { UnixSeconds } from '@vicinity/protocol'
import type { ReportType, TestType, TrustedKeys, VerifyingKey } from '@vicinity/protocol/gaen'

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
  /** Public keys of another authority's certificates. Where `issuer` is our own, its keys are taken too. */
  readonly certificateKeys: readonly VerifyingKey[]
  /** Region of the exports, in upper case; undefined refuses every publish. */
  readonly region: string | undefined
  readonly exports: ExportSettings
  /** Whose exports are read. */
  readonly peers: readonly ImportPeer[]
}

export interface ExportSettings {
  /** Seconds of a window; divides a day. */
  readonly window: number
  /** A window is exported so many seconds after its end. */
  readonly windowAge: number
  /** Keys of a file, first and revised together: phones take files of 16 MiB, and a key has up to 34 bytes. */
  readonly mostKeys: number
  /** `verification_key_id` of the signatures: the mobile country code, by custom. */
  readonly keyId: string
  /** Versions of the signing keys; those that hold sign together. */
  readonly signers: readonly ExportSigner[]
  /** Undefined invents no keys: only where there is nobody to hide from, as in a lab. */
  readonly padding: PaddingSettings | undefined
}

export interface ExportSigner {
  readonly version: string
  /** Holds for exports that end from here on. */
  readonly from: UnixSeconds
  /** And before here. */
  readonly until: UnixSeconds
}

/** How many keys are invented: docs/decisions/0008. */
export interface PaddingSettings {
  /**
   * Keys of each kind in the public schedule, in every window, at least, and at random up to twice as many; a kind with more real ones
   * goes up in powers of two.
   */
  readonly level: number
  /** The schedule has onsets of symptoms on today and so many days before. */
  readonly onsetDays: number
}

export interface ImportPeer {
  /** Stands with the keys that came from it: it never changes. */
  readonly name: string
  /** Address of its index; paths are relative to the directory of this. */
  readonly index: string
  /** A file counts when all keys of one set signed it. */
  readonly keys: TrustedKeys
  /** For keys that say nothing. */
  readonly reportType: ReportType
  /** For keys that say nothing; undefined leaves it so. */
  readonly daysSinceOnset: number | undefined
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
    certificateKeys: [],
    region: 'XX',
    exports: {
      window: 4 * 3600,
      windowAge: 2 * 3600,
      mostKeys: 450_000,
      keyId: 'vicinity',
      signers: [{ version: 'v1', from: 0 as UnixSeconds, until: (2 ** 43) as UnixSeconds }],
      padding: { level: 3, onsetDays: 9 },
    },
    peers: [],
  },
}

import { type ListCodec, packedLists } from './list.ts'
import { jsonLists } from './list-json.ts'
import { type Parameters, withParameters } from './parameters.ts'

/** Values that the text leaves to a deployment or that deployed systems changed. Profiles are data, never a branch. */
export interface Profile {
  readonly name: string
  readonly authenticationLabel: string
  readonly encryptionLabel: string
  /** Bytes of the epoch in the MAC input of authenticated requests. */
  readonly epochBytes: number
  /** Whether a distance equal to the tolerance passes. */
  readonly inclusiveTolerance: boolean
  /** The form of the first list of identifiers, before it is sealed (ROBERT §3.3, §4). */
  readonly listCodec: ListCodec
  /** Defaults that differ from those of the table. */
  readonly parameters: Partial<Parameters>
}

/** ROBERT v1.1 to the byte. */
export const SPEC: Profile = {
  name: 'spec',
  authenticationLabel: 'authentication key',
  encryptionLabel: 'encryption key',
  epochBytes: 3,
  inclusiveTolerance: false,
  listCodec: packedLists,
  parameters: {},
}
/** What France deployed (TousAntiCovid). */
export const TAC: Profile = {
  name: 'tac',
  authenticationLabel: 'mac',
  encryptionLabel: 'tuples',
  epochBytes: 4,
  inclusiveTolerance: true,
  listCodec: jsonLists,
  parameters: { helloTolerance: 180, statusGap: 2, notifiedDays: 7, codeDays: 10 },
}
export const PROFILES: readonly Profile[] = [SPEC, TAC]

/** The parameters of a deployment with this profile: its defaults, with some values replaced. */
export const parametersFor = (profile: Profile, chosen: Partial<Parameters> = {}): Parameters =>
  withParameters({ ...profile.parameters, ...chosen })

/** |a - b| < tolerance of ROBERT §5.2 step 3, §6.2 step 2 and §7 step 2, with the profile's reading of the edge. */
export const withinTolerance = (profile: Profile, distance: number, tolerance: number): boolean =>
  profile.inclusiveTolerance ? distance <= tolerance : distance < tolerance

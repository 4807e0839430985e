/** The first byte of every MAC input: what the message asks for (ROBERT §5.1, §7, appendix C; 5 to 7 are Vicinity's). */
export const CODE = {
  hello: 1,
  status: 2,
  unregister: 3,
  deleteHistory: 4,
  renew: 5,
  acknowledge: 6,
  reset: 7,
} as const

/** Lengths in bytes. */
export const SIZE = {
  key: 32,
  serverKey: 24,
  publicPoint: 65,
  ebid: 8,
  ecc: 1,
  /** An (EBID, ECC) pair in a list. */
  pair: 9,
  hello: 16,
  helloMac: 5,
  item: 21,
  exposure: 4,
  request: 96,
  requestPayload: 47,
  requestMac: 32,
  requestTag: 8,
  replyId: 8,
  reply: 30 + 96 * 9,
  iv: 12,
  gcmTag: 16,
} as const

export const SEALED_REPLY = SIZE.iv + SIZE.reply + SIZE.gcmTag
/** Pairs that one reply can carry: a day of epochs of 900 s. */
export const REPLY_PAIRS = 96

/** A slot is the grain of thinning and of risk: what was heard of one identifier within it is one item. */
export const SLOT_SECONDS = 300
/** Slots are two bits of an exposure; longer epochs put what is over into the last. */
export const LAST_SLOT = 3

/** Values that the text leaves to a deployment or that deployed systems changed. Profiles are data, never a branch. */
export interface Profile {
  readonly name: string
  readonly authenticationLabel: string
  readonly encryptionLabel: string
  /** Bytes of the epoch in the MAC input of authenticated requests. */
  readonly epochBytes: number
  /** Whether a distance equal to the tolerance passes. */
  readonly inclusiveTolerance: boolean
  /** Default tolerance δ between the time in a HELLO and its reception, in seconds. */
  readonly helloTolerance: number
}

/** ROBERT v1.1 to the byte. */
export const SPEC: Profile = {
  name: 'spec',
  authenticationLabel: 'authentication key',
  encryptionLabel: 'encryption key',
  epochBytes: 3,
  inclusiveTolerance: false,
  helloTolerance: 12,
}
/** What France deployed (TousAntiCovid). */
export const TAC: Profile = {
  name: 'tac',
  authenticationLabel: 'mac',
  encryptionLabel: 'tuples',
  epochBytes: 4,
  inclusiveTolerance: true,
  helloTolerance: 180,
}

/** |a - b| < tolerance of ROBERT §5.2 step 3, §6.2 step 2 and §7 step 2, with the profile's reading of the edge. */
export const withinTolerance = (profile: Profile, distance: number, tolerance: number): boolean =>
  profile.inclusiveTolerance ? distance <= tolerance : distance < tolerance

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
/** Bytes of the longest first list in any form: eleven days of epochs of 300 s take 204 thousand as JSON. */
export const LONGEST_LIST = 262_144

/** A slot is the grain of thinning and of risk: what was heard of one identifier within it is one item. */
export const SLOT_SECONDS = 300
/** Slots are two bits of an exposure; longer epochs put what is over into the last. */
export const LAST_SLOT = 3

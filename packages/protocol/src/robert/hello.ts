import { hmacSha256 } from '#crypto'
import { Reader, viewOf, Writer, writeUint } from '../bytes.ts'
import { distance16, type NtpSeconds, time16 } from '../time.ts'
import { CODE, SIZE } from './constants.ts'
import { macIsValid } from './keys.ts'
import { type Profile, withinTolerance } from './profile.ts'

/** The four fields of a HELLO (ROBERT §5.1): ECC 1 | EBID 8 | Time 2 | MAC 5. */
export interface Hello {
  readonly ecc: number
  readonly ebid: Uint8Array
  readonly time16: number
  readonly mac: Uint8Array
}

const MACED = SIZE.hello - SIZE.helloMac

/** Bytes that the MAC of a HELLO covers: c1 | M_A. */
export const HELLO_MAC_INPUT: number = 1 + MACED

/** Writes c1 | M_A as a row of MAC inputs, of the HELLO that begins at `offset`; its first 11 bytes are read. */
export function writeHelloMacInput(inputs: DataView, row: number, hellos: DataView, offset: number): void {
  const to = HELLO_MAC_INPUT * row
  inputs.setUint8(to, CODE.hello)
  inputs.setUint8(to + 1, hellos.getUint8(offset))
  inputs.setUint16(to + 2, hellos.getUint16(offset + 1))
  inputs.setUint32(to + 4, hellos.getUint32(offset + 3))
  inputs.setUint32(to + 8, hellos.getUint32(offset + 7))
}

function macInput(hello: Uint8Array): Uint8Array {
  const input = new Uint8Array(HELLO_MAC_INPUT)
  writeHelloMacInput(viewOf(input), 0, viewOf(hello), 0)
  return input
}

/** Builds the 16 bytes that a phone broadcasts (ROBERT §5.1). `pair` is EBID 8 | ECC 1 as it stands in the list. */
export function buildHello(authenticationKey: Uint8Array, pair: Uint8Array, time: NtpSeconds): Uint8Array {
  const hello = new Uint8Array(SIZE.hello)
  hello[0] = pair[SIZE.ebid]!
  hello.set(pair.subarray(0, SIZE.ebid), SIZE.ecc)
  writeUint(hello, SIZE.ecc + SIZE.ebid, 2, time16(time))
  hello.set(hmacSha256(authenticationKey, macInput(hello)).subarray(0, SIZE.helloMac), MACED)
  return hello
}

/** ROBERT §5.2 step 1. Throws `Malformed` for another length than 16 bytes. */
export function parseHello(bytes: Uint8Array): Hello {
  const reader = new Reader(bytes, SIZE.hello, 'hello')
  return {
    ecc: reader.uint(SIZE.ecc),
    ebid: reader.take(SIZE.ebid),
    time16: reader.uint(2),
    mac: reader.take(SIZE.helloMac),
  }
}

/** ROBERT §5.2 step 3 and §6.2 step 2: the time in the HELLO is within δ seconds of its reception, on the circle. */
export function timeIsClose(profile: Profile, helloTime: number, received: NtpSeconds, tolerance: number): boolean {
  return withinTolerance(profile, distance16(helloTime, time16(received)), tolerance)
}

/** ROBERT §6.2 step 8. */
export function helloMacIsValid(authenticationKey: Uint8Array, hello: Uint8Array): boolean {
  return macIsValid(authenticationKey, macInput(hello), hello.subarray(MACED, SIZE.hello))
}

/** The fields of a HELLO back in one piece. */
export function joinHello(hello: Hello): Uint8Array {
  return new Writer(SIZE.hello).uint(SIZE.ecc, hello.ecc).put(hello.ebid).uint(2, hello.time16).put(hello.mac).bytes
}

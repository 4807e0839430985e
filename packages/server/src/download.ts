/**
 * Fetches what lies at an address, at most `most` bytes. Undefined where there is nothing (404, 410); rejects when the world failed or the
 * answer is longer.
 */
export type Download = (url: string, most: number) => Promise<Uint8Array | undefined>

const TIMEOUT_MILLISECONDS = 60_000
const GONE: readonly number[] = [404, 410]

/** Downloads that end when the back-end does. */
export const downloadUntil =
  (stopping: AbortSignal): Download =>
  async (url, most) => {
    const response = await fetch(url, {
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MILLISECONDS), stopping]),
    })
    if (!response.ok) {
      await response.body?.cancel()
      if (GONE.includes(response.status)) return undefined
      throw new Error(`the answer is ${response.status}`)
    }
    const pieces: Uint8Array[] = []
    let length = 0
    // The length that is announced is the sender's word: what comes is counted.
    for await (const piece of response.body ?? []) {
      length += piece.length
      if (length > most) throw new Error(`the answer is longer than ${most} bytes`)
      pieces.push(piece)
    }
    return Buffer.concat(pieces)
  }

// One back-end for all rounds: what its processes and its clients know of it.
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import type { UnixSeconds } from '@vicinity/protocol'
import { SPEC, withParameters } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS, type Settings } from '@vicinity/server'

export const AUTHORITY_TOKEN = 'authority'
export const ADMIN_KEY = 'admin'
export const DEVICE_KEY = 'device'

/** Noon, some days into the service. */
export const BEGINNING = (Date.UTC(2026, 2, 20, 12) / 1000) as UnixSeconds

/** How far the clock goes on between rounds: T, a pool window and an export window later all that was sent is due. */
export const BETWEEN_ROUNDS = 3900

/** Small numbers, so that a round of seconds meets the end of a window, of T and of an export. */
const PARAMETERS = withParameters({
  proofOfWork: 0,
  tokensPerDay: 16,
  tokenChunk: 16,
  poolWindow: 1,
  statusGap: 4,
  requestTolerance: 600,
})

const { gaen } = DEFAULT_SETTINGS

export const SETTINGS: Settings = {
  ...DEFAULT_SETTINGS,
  serviceStart: (Date.UTC(2026, 2, 1) / 1000) as UnixSeconds,
  profile: SPEC,
  parameters: PARAMETERS,
  authorityToken: AUTHORITY_TOKEN,
  gaen: {
    verification: { ...gaen.verification, adminApiKey: ADMIN_KEY, deviceApiKey: DEVICE_KEY },
    // No invented keys: every key of an export is one that a client can answer for.
    keyServer: {
      ...gaen.keyServer,
      exports: { ...gaen.keyServer.exports, window: 3600, windowAge: 60, padding: undefined },
    },
  },
}

/**
 * A clock that several processes share: real seconds plus an offset that lies in a file. It goes on in jumps between rounds, while
 * nothing is on its way, and the monotonic clock with it.
 */
export interface SharedClock {
  readonly now: () => UnixSeconds
  /** Seconds. */
  readonly monotonic: () => number
}

export function sharedClock(path: string): SharedClock {
  const file = openSync(path, 'r')
  const bytes = new Float64Array(1)
  const offset = (): number => {
    readSync(file, bytes, 0, 8, 0)
    return bytes[0]!
  }
  return {
    now: () => Math.floor(Date.now() / 1000 + offset()) as UnixSeconds,
    monotonic: () => performance.now() / 1000 + offset(),
  }
}

/** Sets the clock to `at`. In place: a process that begins now must not find an empty file. */
export function setClock(path: string, at: number): void {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT)
  writeSync(file, new Float64Array([at - Date.now() / 1000]), 0, 8, 0)
  closeSync(file)
}

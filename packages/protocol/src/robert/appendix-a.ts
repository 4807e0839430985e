// ROBERT appendix A: probabilistic notifications, off by default (p = 0). Some users are told "1" although no exposure puts them at
// risk, so that a "1" proves nothing about anybody. A drawn warning takes the place of an exposure: the reply, the state and what
// follows are those of a real one, and a real one is never lowered.
import { hmacSha256 } from '#crypto'
import { readUint, Writer } from '../bytes.ts'
import { type Calendar, type Epoch, epochsIn } from '../time.ts'
import type { PermanentId } from './ebid.ts'
import type { Parameters } from './parameters.ts'

export interface DrawContext {
  readonly calendar: Calendar
  readonly parameters: Parameters
  readonly drawKey: Uint8Array
}

/** Exposures are mostly known some days after they happened. */
const USUAL_DAYS = 5

/**
 * The exposure that appendix A invents for a user, or undefined. Drawn once per account and window by a keyed function, so
 * that asking again never draws again; the moment within the window is drawn too. `after`, and how old the exposure of a warning
 * may be: as for real exposures, or a phone that was away for long would know its warning for a drawn one.
 */
export function drawnExposure(context: DrawContext, id: PermanentId, now: Epoch, after: number): Epoch | undefined {
  const { calendar, parameters, drawKey } = context
  const length = epochsIn(calendar, parameters.notifiedDays)
  const window = Math.floor(now / length)
  const draw = hmacSha256(drawKey, new Writer(9).uint(5, id).uint(4, window).bytes)
  const isDrawn = readUint(draw, 0, 6) / 2 ** 48 < parameters.falseAlarms / 10_000
  const moment = window * length + Math.floor((readUint(draw, 6, 4) / 2 ** 32) * length)
  const usual = epochsIn(calendar, Math.min(USUAL_DAYS, parameters.riskNewestDays))
  const exposure = Math.max(moment - Math.floor((readUint(draw, 10, 4) / 2 ** 32) * usual), 0)
  const counts = exposure > after && exposure >= now - epochsIn(calendar, parameters.riskNewestDays)
  return isDrawn && now >= moment && counts ? (exposure as Epoch) : undefined
}

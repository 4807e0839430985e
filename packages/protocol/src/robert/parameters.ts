import { LAST_EPOCH } from '../time.ts'
import { SLOT_SECONDS } from './constants.ts'

interface Entry {
  readonly unit: string
  readonly least: number
  readonly most: number
  readonly value: number
  /** Fixed when the service is set up; the others may change at run time. */
  readonly setUp?: true
  readonly why: string
}

/** Every number that an authority may choose. Each is public (`GET /v1/parameters`). */
export const PARAMETERS = {
  epochDuration: { unit: 's', least: 300, most: 1200, value: 900, setUp: true, why: 'Bluetooth address rotation' },
  bundleDays: {
    unit: 'd',
    least: 1,
    most: 10,
    value: 4,
    why: 'identifiers for today and so many days: a weekend offline',
  },
  statusGap: {
    unit: 'epochs',
    least: 1,
    most: 288,
    value: 24,
    why: 'T of ROBERT §7 step 8; the poll never violates it',
  },
  pollInterval: { unit: 's', least: 3600, most: 86_400, value: 28_800, why: 'mean time between requests of a phone' },
  pollJitter: {
    unit: 's',
    least: 0,
    most: 14_400,
    value: 5400,
    why: 'half the width of the draw around the mean: no herd',
  },
  helloTolerance: { unit: 's', least: 1, most: 600, value: 12, why: 'δ of ROBERT §5.2 and §6.2' },
  requestTolerance: { unit: 's', least: 5, most: 600, value: 60, why: '"close to its current time", ROBERT §7 step 2' },
  contagiousDays: { unit: 'd', least: 1, most: 28, value: 14, why: 'CT' },
  tokensPerDay: {
    unit: 'items',
    least: 1,
    most: 1024,
    value: 256,
    why: 'always all of them, so that counts say nothing',
  },
  tokenChunk: { unit: 'items', least: 1, most: 256, value: 64, why: 'requests of one redemption' },
  uploadSpread: { unit: 's', least: 0, most: 172_800, value: 86_400, why: 'items leave one by one over this time' },
  poolWindow: { unit: 's', least: 0, most: 86_400, value: 21_600, why: 'items are applied together; 0: at once' },
  filterMinutes: { unit: 'min', least: 1, most: 15, value: 2, why: 'an identifier heard less is not uploaded' },
  riskMinutes: { unit: 'min', least: 1, most: 240, value: 15, why: 'weighted minutes within 24 h' },
  riskSlots: {
    unit: 'slots',
    least: 1,
    most: 48,
    value: 3,
    why: 'distinct slots within 24 h: one patient cannot warn in one',
  },
  riskNewestDays: { unit: 'd', least: 1, most: 28, value: 10, why: 'older exposures warn nobody' },
  fullStrength: { unit: 'dBm', least: -90, most: -30, value: -63, why: 'from here up a minute weighs 1' },
  halfStrength: {
    unit: 'dBm',
    least: -90,
    most: -30,
    value: -73,
    why: 'from here up a minute weighs 0.5, below nothing',
  },
  notifiedDays: {
    unit: 'd',
    least: 1,
    most: 28,
    value: 10,
    why: 'a notified state ends so long after its newest exposure',
  },
  falseAlarms: {
    unit: 'per 10,000',
    least: 0,
    most: 5000,
    value: 0,
    why: 'p of appendix A, drawn once per account and window of notifiedDays; off',
  },
  proofOfWork: { unit: 'bits', least: 0, most: 28, value: 16, why: 'cost of a registration' },
  challengeLife: { unit: 's', least: 30, most: 3600, value: 300, why: 'a registration challenge is good so long' },
  codeDays: { unit: 'd', least: 1, most: 14, value: 3, why: 'life of a code of the authority' },
  unopenedReplies: { unit: 'replies', least: 2, most: 10, value: 3, why: 'in a row, then a phone registers anew' },
} as const satisfies Record<string, Entry>

export type ParameterName = keyof typeof PARAMETERS
export type Parameters = { readonly [name in ParameterName]: number }

export const DEFAULT_PARAMETERS: Parameters = Object.freeze(
  Object.fromEntries(Object.entries(PARAMETERS).map(([name, entry]) => [name, entry.value])),
) as Parameters

/** The defaults with some values replaced. Throws `RangeError` naming the parameter that is out of bounds. */
export function withParameters(chosen: Partial<Parameters>): Parameters {
  for (const [name, value] of Object.entries(chosen)) {
    if (!Object.hasOwn(PARAMETERS, name)) throw new RangeError(`parameter ${name}: there is none of this name`)
    const entry: Entry = PARAMETERS[name as ParameterName]
    if (!Number.isInteger(value) || value < entry.least || value > entry.most) {
      throw new RangeError(`parameter ${name}: an integer from ${entry.least} to ${entry.most} ${entry.unit} is needed`)
    }
  }
  const parameters: Parameters = { ...DEFAULT_PARAMETERS, ...chosen }
  if (parameters.pollInterval - parameters.pollJitter < parameters.statusGap * parameters.epochDuration) {
    throw new RangeError('parameter pollInterval: less pollJitter it must not be shorter than statusGap epochs')
  }
  if (parameters.epochDuration % SLOT_SECONDS !== 0) {
    throw new RangeError(`parameter epochDuration: a multiple of ${SLOT_SECONDS} s is needed`)
  }
  if (Math.ceil(parameters.tokensPerDay / parameters.tokenChunk) > MOST_CHUNKS) {
    throw new RangeError(`parameter tokenChunk: the tokens of a day must fit ${MOST_CHUNKS} chunks`)
  }
  return parameters
}

/** The number of a chunk is one byte. */
const MOST_CHUNKS = 256

/** The last epoch in which a service may run: it refuses to start within 5 % of the end of the 24-bit counter. */
export const LAST_SERVICE_EPOCH = Math.floor(LAST_EPOCH * 0.95)

// Rows of the tables of the verification server as both engines give them.
import type { UnixSeconds, UtcDay } from '@vicinity/protocol'
import type { TestType } from '@vicinity/protocol/gaen'
import type { FoundCode, Tally } from './verification.ts'

export const NO_TALLY: Tally = { calls: 0, chaff: 0, wrong: 0, issued: 0 }

export const foundCode = (row: Readonly<Record<string, unknown>> | undefined): FoundCode | undefined =>
  row === undefined
    ? undefined
    : {
        handle: row['handle'] as Uint8Array,
        testType: row['test_type'] as TestType,
        symptomDay: (row['symptom_day'] ?? undefined) as UtcDay | undefined,
        testDay: (row['test_day'] ?? undefined) as UtcDay | undefined,
        expires: row['expires'] as UnixSeconds,
        longExpires: row['long_expires'] as UnixSeconds,
        nonce: (row['nonce'] ?? undefined) as Uint8Array | undefined,
        phone: (row['phone'] ?? undefined) as Uint8Array | undefined,
        claimed: row['claimed'] === 1,
        long: row['long'] === 1,
      }

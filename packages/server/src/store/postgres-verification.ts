import type { Query } from './postgres-transaction.ts'
import type { VerificationVerbs } from './verification.ts'
import { foundCode, NO_TALLY } from './verification-rows.ts'

const FOUND = 'handle, test_type, symptom_day, test_day, expires, long_expires, nonce, phone, claimed'

/** Statements of the verification server, by the name under which they are reported. */
export const POSTGRES_VERIFICATION_SQL = {
  addVerificationCode: `insert into verification_code(handle, code, long_code, test_type, symptom_day, test_day, expires,
    long_expires, nonce, phone, claimed) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0) on conflict do nothing`,
  // Under the key before this one another code may have the same digits: the later of the two is the living one.
  verificationCode: `select ${FOUND}, (coalesce(long_code in ($1, $2), false))::int4 as long from verification_code
    where code in ($1, $2) or long_code in ($1, $2) order by long_expires desc limit 1`,
  verificationCodeByHandle: `select ${FOUND}, 0 as long from verification_code where handle in ($1, $2)`,
  claimVerificationCode: 'update verification_code set claimed = 1 where handle = $1 and claimed = 0',
  expireVerificationCode:
    'update verification_code set expires = $2, long_expires = $2 where handle = $1 and claimed = 0',
  removeVerificationCode: 'delete from verification_code where handle = $1',
  addVerificationToken: `insert into verification_token(hash, expires, used) select $1::bytea, $2::int8, 0 where $2::int8 >= 0
    on conflict do nothing`,
  spendVerificationToken: 'update verification_token set used = 1 where hash = $1 and expires > $2 and used = 0',
  addReport: `insert into verification_report(phone, expires) select $1::bytea, $3::int8
    where not exists (select 1 from verification_report where phone = $2 and expires > $4::int8)
    on conflict(phone) do update set expires = excluded.expires where verification_report.expires <= $4::int8`,
  keepReport: 'update verification_report set expires = $2 where phone = $1',
  removeReport: 'delete from verification_report where phone = $1',
  tally: 'select calls, chaff, wrong, issued from verification_tally where "window" = $1',
  addToTally: `insert into verification_tally as t ("window", calls, chaff, wrong, issued) values ($1, $2, $3, $4, $5)
    on conflict("window") do update set calls = t.calls + excluded.calls, chaff = t.chaff + excluded.chaff,
    wrong = t.wrong + excluded.wrong, issued = t.issued + excluded.issued`,
  issuedSince: 'select coalesce(sum(issued), 0)::int8 as issued from verification_tally where "window" >= $1',
  forgetVerificationSecrets: `update verification_code set code = null, long_code = null, nonce = null, phone = null
    where long_expires < $1 and code is not null`,
  forgetVerificationCodes: 'delete from verification_code where long_expires < $1',
  forgetVerificationTokens: 'delete from verification_token where expires < $1',
  forgetReports: 'delete from verification_report where expires < $1',
  forgetTallies: 'delete from verification_tally where "window" < $1',
} as const

export const postgresVerificationVerbs = (query: Query): VerificationVerbs => ({
  ...codeVerbs(query),
  ...tokenVerbs(query),
  ...tallyVerbs(query),
})

type CodeVerb =
  | 'addVerificationCode'
  | 'verificationCodeOf'
  | 'verificationCodeByHandle'
  | 'claimVerificationCode'
  | 'expireVerificationCode'
  | 'removeVerificationCode'
  | 'forgetVerificationCodes'

function codeVerbs(query: Query): Pick<VerificationVerbs, CodeVerb> {
  return {
    async addVerificationCode({ handle, code, longCode, testType, symptomDay, testDay, ...row }) {
      const what = [handle, code, longCode, testType, symptomDay, testDay]
      const added = await query('addVerificationCode', [...what, row.expires, row.longExpires, row.nonce, row.phone])
      return added.count === 1
    },
    async verificationCodeOf(hashes) {
      return foundCode((await query('verificationCode', hashes)).rows[0])
    },
    async verificationCodeByHandle(handles) {
      return foundCode((await query('verificationCodeByHandle', handles)).rows[0])
    },
    async claimVerificationCode(handle) {
      return (await query('claimVerificationCode', [handle])).count === 1
    },
    async expireVerificationCode(handle, at) {
      return (await query('expireVerificationCode', [handle, at])).count === 1
    },
    async removeVerificationCode(handle) {
      await query('removeVerificationCode', [handle])
    },
    async forgetVerificationCodes(secretsBefore, before) {
      await query('forgetVerificationSecrets', [secretsBefore])
      await query('forgetVerificationCodes', [before])
    },
  }
}

type TokenVerb =
  | 'addVerificationToken'
  | 'spendVerificationToken'
  | 'forgetVerificationTokens'
  | 'addReport'
  | 'keepReport'
  | 'removeReport'
  | 'forgetReports'

function tokenVerbs(query: Query): Pick<VerificationVerbs, TokenVerb> {
  return {
    async addVerificationToken(hash, expires) {
      await query('addVerificationToken', [hash, expires])
    },
    async spendVerificationToken(hash, at) {
      return (await query('spendVerificationToken', [hash, at])).count === 1
    },
    async forgetVerificationTokens(before) {
      await query('forgetVerificationTokens', [before])
    },
    async addReport([phone, before], expires, at) {
      return (await query('addReport', [phone, before, expires, at])).count === 1
    },
    async keepReport(phone, expires) {
      await query('keepReport', [phone, expires])
    },
    async removeReport(phone) {
      await query('removeReport', [phone])
    },
    async forgetReports(before) {
      await query('forgetReports', [before])
    },
  }
}

function tallyVerbs(query: Query): Pick<VerificationVerbs, 'tallyOf' | 'addToTally' | 'issuedSince' | 'forgetTallies'> {
  return {
    async tallyOf(window) {
      return { ...NO_TALLY, ...(await query('tally', [window])).rows[0] }
    },
    async addToTally(window, { calls, chaff, wrong, issued }) {
      await query('addToTally', [window, calls, chaff, wrong, issued])
    },
    async issuedSince(from) {
      return (await query('issuedSince', [from])).rows[0]!['issued'] as number
    },
    async forgetTallies(before) {
      await query('forgetTallies', [before])
    },
  }
}

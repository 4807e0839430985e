import type { StatementSync } from 'node:sqlite'
import type { VerificationVerbs } from './verification.ts'
import { foundCode, NO_TALLY } from './verification-rows.ts'

const FOUND = 'handle, test_type, symptom_day, test_day, expires, long_expires, nonce, phone, claimed'

/** Statements of the verification server, by the name under which they are reported. */
export const VERIFICATION_SQL = {
  addVerificationCode: `insert into verification_code(handle, code, long_code, test_type, symptom_day, test_day, expires,
    long_expires, nonce, phone, claimed) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) on conflict do nothing`,
  // Under the key before this one another code may have the same digits: the later of the two is the living one.
  verificationCode: `select ${FOUND}, ifnull(long_code in (?1, ?2), 0) as long from verification_code
    where code in (?1, ?2) or long_code in (?1, ?2) order by long_expires desc limit 1`,
  verificationCodeByHandle: `select ${FOUND}, 0 as long from verification_code where handle in (?1, ?2)`,
  claimVerificationCode: 'update verification_code set claimed = 1 where handle = ? and claimed = 0',
  expireVerificationCode:
    'update verification_code set expires = ?2, long_expires = ?2 where handle = ?1 and claimed = 0',
  removeVerificationCode: 'delete from verification_code where handle = ?',
  addVerificationToken:
    'insert into verification_token(hash, expires, used) select ?1, ?2, 0 where ?2 >= 0 on conflict do nothing',
  spendVerificationToken: 'update verification_token set used = 1 where hash = ? and expires > ? and used = 0',
  addReport: `insert into verification_report(phone, expires) select ?1, ?3
    where not exists (select 1 from verification_report where phone = ?2 and expires > ?4)
    on conflict(phone) do update set expires = excluded.expires where verification_report.expires <= ?4`,
  keepReport: 'update verification_report set expires = ?2 where phone = ?1',
  removeReport: 'delete from verification_report where phone = ?',
  tally: 'select calls, chaff, wrong, issued from verification_tally where window = ?',
  addToTally: `insert into verification_tally(window, calls, chaff, wrong, issued) values (?, ?, ?, ?, ?)
    on conflict(window) do update set calls = calls + excluded.calls, chaff = chaff + excluded.chaff,
    wrong = wrong + excluded.wrong, issued = issued + excluded.issued`,
  issuedSince: 'select total(issued) as issued from verification_tally where window >= ?',
  forgetVerificationSecrets: `update verification_code set code = null, long_code = null, nonce = null, phone = null
    where long_expires < ? and code is not null`,
  forgetVerificationCodes: 'delete from verification_code where long_expires < ?',
  forgetVerificationTokens: 'delete from verification_token where expires < ?',
  forgetReports: 'delete from verification_report where expires < ?',
  forgetTallies: 'delete from verification_tally where window < ?',
} as const

type Statement = (name: keyof typeof VERIFICATION_SQL) => StatementSync

export const verificationVerbs = (statement: Statement): VerificationVerbs => ({
  ...verificationCodeVerbs(statement),
  ...tokenVerbs(statement),
  ...tallyVerbs(statement),
})

function verificationCodeVerbs(
  statement: Statement,
): Pick<
  VerificationVerbs,
  | 'addVerificationCode'
  | 'verificationCodeOf'
  | 'verificationCodeByHandle'
  | 'claimVerificationCode'
  | 'expireVerificationCode'
  | 'removeVerificationCode'
  | 'forgetVerificationCodes'
> {
  return {
    async addVerificationCode(row) {
      const days = [row.symptomDay ?? null, row.testDay ?? null]
      const times = [row.expires, row.longExpires]
      const added = statement('addVerificationCode').run(
        row.handle,
        row.code,
        row.longCode ?? null,
        row.testType,
        ...days,
        ...times,
        row.nonce ?? null,
        row.phone ?? null,
      )
      return added.changes === 1
    },
    async verificationCodeOf([hash, before]) {
      return foundCode(statement('verificationCode').get(hash, before))
    },
    async verificationCodeByHandle([handle, before]) {
      return foundCode(statement('verificationCodeByHandle').get(handle, before))
    },
    async claimVerificationCode(handle) {
      return statement('claimVerificationCode').run(handle).changes === 1
    },
    async expireVerificationCode(handle, at) {
      return statement('expireVerificationCode').run(handle, at).changes === 1
    },
    async removeVerificationCode(handle) {
      statement('removeVerificationCode').run(handle)
    },
    async forgetVerificationCodes(secretsBefore, before) {
      statement('forgetVerificationSecrets').run(secretsBefore)
      statement('forgetVerificationCodes').run(before)
    },
  }
}

function tokenVerbs(
  statement: Statement,
): Pick<
  VerificationVerbs,
  | 'addVerificationToken'
  | 'spendVerificationToken'
  | 'forgetVerificationTokens'
  | 'addReport'
  | 'keepReport'
  | 'removeReport'
  | 'forgetReports'
> {
  return {
    async addVerificationToken(hash, expires) {
      statement('addVerificationToken').run(hash, expires)
    },
    async spendVerificationToken(hash, at) {
      return statement('spendVerificationToken').run(hash, at).changes === 1
    },
    async forgetVerificationTokens(before) {
      statement('forgetVerificationTokens').run(before)
    },
    async addReport([phone, before], expires, at) {
      return statement('addReport').run(phone, before, expires, at).changes === 1
    },
    async keepReport(phone, expires) {
      statement('keepReport').run(phone, expires)
    },
    async removeReport(phone) {
      statement('removeReport').run(phone)
    },
    async forgetReports(before) {
      statement('forgetReports').run(before)
    },
  }
}

function tallyVerbs(
  statement: Statement,
): Pick<VerificationVerbs, 'tallyOf' | 'addToTally' | 'issuedSince' | 'forgetTallies'> {
  return {
    async tallyOf(window) {
      return { ...NO_TALLY, ...statement('tally').get(window) }
    },
    async addToTally(window, { calls, chaff, wrong, issued }) {
      statement('addToTally').run(window, calls, chaff, wrong, issued)
    },
    async issuedSince(from) {
      return statement('issuedSince').get(from)!['issued'] as number
    },
    async forgetTallies(before) {
      statement('forgetTallies').run(before)
    },
  }
}

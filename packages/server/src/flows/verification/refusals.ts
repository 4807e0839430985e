/** What the verification server refuses, with the status, the code and the text of the deployed one. */
interface Refusal {
  readonly status: number
  readonly errorCode: string
  readonly error: string
}

const row = (status: number, errorCode: string, error: string): Refusal => ({ status, errorCode, error })

/** The only table from a reason to an answer. Some answers of the deployed server carry no code. */
export const REFUSALS = {
  unauthorized: row(401, '', 'unauthorized'),
  unparsable: row(400, 'unparsable_request', 'the request cannot be read'),
  maintenance: row(429, 'maintenance_mode', 'server is read-only for maintenance'),

  // verify
  acceptUnknown: row(400, 'invalid_test_type', 'invalid accepted test type'),
  codeInvalid: row(400, 'code_invalid', 'verification code invalid'),
  codeExpired: row(400, 'code_expired', 'verification code expired'),
  testTypeNotAccepted: row(412, 'unsupported_test_type', 'verification code has unsupported test type'),
  tooManyWrongCodes: row(429, 'quota_exceeded', 'too many wrong codes, wait and try again'),

  // certificate
  tokenInvalid: row(400, 'token_invalid', 'invalid verification token'),
  tokenExpired: row(400, 'token_invalid', 'verification token expired'),
  tokenUsed: row(400, 'token_expired', 'verification token expired or used'),
  macInvalid: row(400, 'hmac_invalid', 'exposure key HMAC is not base64 of 32 bytes'),

  // issue, batch-issue, user-report
  dateMissing: row(400, 'missing_date', 'missing either test or symptom date'),
  dateUnparsable: row(400, 'unparsable_request', 'a date is YYYY-MM-DD'),
  dateInvalid: row(400, 'invalid_date', 'dates are of the last 28 days'),
  testTypeUnknown: row(400, 'invalid_test_type', 'invalid test type'),
  testTypeClosed: row(400, 'unsupported_test_type', 'unsupported test type'),
  phoneInvalid: row(400, 'phone_number_invalid', 'a phone number is + and 7 to 15 digits, the country first'),
  phoneMissing: row(400, 'missing_phone', 'phone number is required when initiating a user report'),
  nonceMissing: row(400, 'missing_nonce', 'a nonce of 256 bytes is required'),
  messageWithoutPhone: row(400, '', 'generated sms requested, but no phone number was provided'),
  noWayToSend: row(400, '', 'phone provided, but no sms provider is configured'),
  sendFailed: row(400, 'sms_failure', 'failed to send sms'),
  uuidTaken: row(409, 'uuid_already_exists', 'a code of this uuid already exists'),
  quota: row(429, 'quota_exceeded', 'no more codes may be issued today'),
  reportedBefore: row(409, 'user_report_try_later', 'phone number not currently eligible for user report'),
  batchTooLarge: row(400, '', 'batch size limit [10] exceeded'),

  // checkcodestatus, expirecode
  statusUnparsable: row(400, '', 'the request cannot be read'),
  codeNotFound: row(404, 'code_not_found', 'code not found, it may have expired and been removed'),
  codeClaimed: row(400, '', 'bad request'),
} as const satisfies Record<string, Refusal>

export type Reason = keyof typeof REFUSALS

import { accepted, later, Malformed, type Outcome, refused, type UnixSeconds, type UtcDay } from '@vicinity/protocol'
import { TEST_TYPES, type TestType } from '@vicinity/protocol/gaen'
import type { DeployedAnswer, DeployedCall } from '../../deployed.ts'
import type { Deps } from '../../deps.ts'
import type { Transaction } from '../../store/store.ts'
import type { VerificationCodeRow } from '../../store/verification.ts'
import { answer, refusal } from './answers.ts'
import { readDate, rfc1123 } from './dates.ts'
import { readFields } from './fields.ts'
import type { Reason } from './refusals.ts'
import { drawLongCode, drawShortCode, drawUuid, hashesOf } from './secrets.ts'
import { firstWindowOfDay, LIFE, tallied, windowOf } from './windows.ts'

/** What a code is asked for with; empty texts for what was left out. */
export interface IssueRequest {
  readonly symptomDate: string
  readonly testDate: string
  readonly testType: string
  /** Minutes east of Greenwich. */
  readonly tzOffset: number
  readonly phone: string
  readonly uuid: string
  /** Whether the text with the code is only written, for somebody else to send. */
  readonly onlyGenerate: boolean
  /** With a report without the authority: must come again with the code. */
  readonly nonce?: Uint8Array
}

export interface IssuedCode {
  readonly uuid: string
  readonly code: string
  readonly expires: UnixSeconds
  readonly longExpires: UnixSeconds
  readonly phone: string
  readonly generated: string | undefined
}

/** Six tries find a free code even where a third of all short codes is in use. */
const TRIES = 6
const LONGEST_ISSUER = 255
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const PHONE = /^\+[1-9][0-9]{6,14}$/

/** POST /api/issue */
export async function issue(deps: Deps, call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> {
  const issued = await issueCode(deps, readIssueRequest(call.json), at)
  if (issued.ok) return answer(deps.gaenRandom, 200, describe(issued.value))
  // As the deployed server: the number is not told to have reported before.
  if (issued.reason === 'reportedBefore') return answer(deps.gaenRandom, 200, expiryOf(later(at, LIFE.shortCode)))
  return refusal(deps.gaenRandom, issued.reason)
}

export const expiryOf = (expires: UnixSeconds) => ({ expiresAt: rfc1123(expires), expiresAtTimestamp: expires })

export const describe = ({ uuid, code, expires, longExpires, phone, generated }: IssuedCode) => ({
  uuid,
  code,
  ...expiryOf(expires),
  longExpiresAt: rfc1123(longExpires),
  longExpiresAtTimestamp: longExpires,
  ...(generated === undefined ? {} : { generatedSMS: generated, phone }),
})

/** Throws `Malformed`. */
export function readIssueRequest(json: unknown, place = 'body'): IssueRequest {
  const { text, number, flag } = readFields(
    json,
    [
      'symptomDate',
      'testDate',
      'testType',
      'tzOffset',
      'phone',
      'smsTemplateLabel',
      'uuid',
      'externalIssuerID',
      'onlyGenerateSMS',
    ],
    place,
  )
  const uuid = text('uuid').trim().toLowerCase()
  if (uuid !== '' && !UUID.test(uuid)) throw new Malformed('uuid', 'a UUID')
  // Taken so that requests of the deployed world pass, and used for nothing: there is one message, and no statistics of issuers.
  text('smsTemplateLabel')
  if (text('externalIssuerID').length > LONGEST_ISSUER) {
    throw new Malformed('externalIssuerID', `at most ${LONGEST_ISSUER} characters`)
  }
  return {
    symptomDate: text('symptomDate'),
    testDate: text('testDate'),
    testType: text('testType').toLowerCase(),
    tzOffset: number('tzOffset'),
    phone: text('phone').replaceAll(/[\s().-]/g, ''),
    uuid,
    onlyGenerate: flag('onlyGenerateSMS'),
  }
}

/** A code for one person: drawn, stored as HMACs, and sent or written out where the request asks for that. */
export async function issueCode(
  deps: Deps,
  request: IssueRequest,
  at: UnixSeconds,
): Promise<Outcome<IssuedCode, Reason>> {
  const checked = check(deps, request, at)
  if (!checked.ok) return checked
  const { symptomDay, testDay, testType } = checked.value
  const { phone, onlyGenerate } = request
  const isReport = testType === 'user-report'
  const uuid = request.uuid === '' ? drawUuid(deps.gaenRandom) : request.uuid
  const expires = later(at, LIFE.shortCode)
  // Nobody sees a long code that is not sent; and reports without the authority have short lives only.
  const longExpires = phone === '' || isReport ? expires : later(at, LIFE.longCode)
  const [handle] = hashesOf(deps, 'handle', uuid, at)
  const nonce = request.nonce && hashesOf(deps, 'nonce', request.nonce, at)[0]
  const reporter = isReport ? hashesOf(deps, 'phone', phone, at)[0] : undefined
  const row = { handle, testType, symptomDay, testDay, expires, longExpires, nonce, phone: reporter }
  deps.audit.issuing()
  const drawn = await deps.store.transaction(async (tx) => {
    const refusedFor = await checkStored(deps, tx, { uuid, phone: isReport ? phone : undefined }, at)
    return refusedFor === undefined ? accepted(await drawCode(deps, tx, row, phone !== '', at)) : refused(refusedFor)
  })
  if (!drawn.ok) return drawn
  deps.audit.issued('verificationCodes')
  deps.count('verification.issued')
  const { code, longCode } = drawn.value
  const { verification } = deps.settings.gaen
  const text = fill(isReport ? verification.userReportMessage : verification.message, {
    code,
    longcode: longCode ?? code,
    expires: `${LIFE.shortCode / 60}`,
    longexpires: `${(longExpires - at) / 3600}`,
  })
  const issued = { uuid, code, expires, longExpires, phone, generated: onlyGenerate ? text : undefined }
  if (phone === '' || onlyGenerate || (await isSent(deps, phone, text))) return accepted(issued)
  // Nobody has the code, so nobody shall wait for it: the handle and the number are free for another try.
  await deps.store.transaction(async (tx) => {
    await tx.removeVerificationCode(handle)
    if (reporter !== undefined) await tx.removeReport(reporter)
  })
  return refused('sendFailed')
}

interface Checked {
  readonly symptomDay: UtcDay | undefined
  readonly testDay: UtcDay | undefined
  readonly testType: TestType
}

/** What can be said of a request without the store, in the order of the deployed server. */
function check(deps: Deps, request: IssueRequest, at: UnixSeconds): Outcome<Checked, Reason> {
  const settings = deps.settings.gaen.verification
  const { phone, onlyGenerate, tzOffset } = request
  if (settings.requireDate && request.symptomDate === '' && request.testDate === '') return refused('dateMissing')
  const symptom = readDate(request.symptomDate, 'symptomDate', tzOffset, at)
  if (!symptom.ok) return symptom
  const test = readDate(request.testDate, 'testDate', tzOffset, at)
  if (!test.ok) return test
  if (phone !== '' && !PHONE.test(phone)) return refused('phoneInvalid')
  if (onlyGenerate && phone === '') return refused('messageWithoutPhone')
  if (!onlyGenerate && phone !== '' && settings.sendMessage === undefined) return refused('noWayToSend')
  const testType = TEST_TYPES.find((type) => type === request.testType)
  if (testType === undefined) return refused('testTypeUnknown')
  if (!settings.testTypes.includes(testType)) return refused('testTypeClosed')
  if (testType === 'user-report' && phone === '') return refused('phoneMissing')
  return accepted({ symptomDay: symptom.value, testDay: test.value, testType })
}

/** What only the store can say. Notes the report of a phone number. */
async function checkStored(
  deps: Deps,
  tx: Transaction,
  { uuid, phone }: { readonly uuid: string; readonly phone: string | undefined },
  at: UnixSeconds,
): Promise<Reason | undefined> {
  const quota = deps.settings.gaen.verification.codesPerDay
  if (await tx.verificationCodeByHandle(hashesOf(deps, 'handle', uuid, at))) return 'uuidTaken'
  if (quota !== undefined && (await tx.issuedSince(firstWindowOfDay(at))) >= quota) return 'quota'
  if (phone === undefined) return undefined
  const isNew = await tx.addReport(hashesOf(deps, 'phone', phone, at), later(at, LIFE.unclaimedReport), at)
  return isNew ? undefined : 'reportedBefore'
}

async function drawCode(
  deps: Deps,
  tx: Transaction,
  row: Omit<VerificationCodeRow, 'code' | 'longCode'>,
  withLong: boolean,
  at: UnixSeconds,
): Promise<{ readonly code: string; readonly longCode: string | undefined }> {
  for (let tries = 0; tries < TRIES; tries++) {
    const code = drawShortCode(deps.gaenRandom)
    const longCode = withLong ? drawLongCode(deps.gaenRandom) : undefined
    const hashes = hashesOf(deps, 'code', code, at)
    const long = longCode === undefined ? undefined : hashesOf(deps, 'code', longCode, at)[0]
    if ((await tx.verificationCodeOf(hashes)) !== undefined) continue
    if (!(await tx.addVerificationCode({ ...row, code: hashes[0], longCode: long }))) continue
    await tx.addToTally(windowOf(at), tallied({ issued: 1 }))
    return { code, longCode }
  }
  throw new Error('no free code was found')
}

const fill = (template: string, values: Readonly<Record<string, string>>): string =>
  Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`[${name}]`, value), template)

async function isSent(deps: Deps, phone: string, text: string): Promise<boolean> {
  try {
    await deps.settings.gaen.verification.sendMessage?.(phone, text)
    return true
  } catch {
    deps.count('verification.sendFailed')
    return false
  }
}

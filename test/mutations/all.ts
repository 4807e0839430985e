import { BATCH_LINES } from './batch-lines.ts'
import { CLIENT_LINES } from './client-lines.ts'
import { CONTACT_LINES } from './contact-lines.ts'
import { GAEN_PHONE_LINES } from './gaen-phone-lines.ts'
import { IDENTIFIER_LINES } from './identifier-lines.ts'
import { KEY_LINES } from './key-lines.ts'
import type { Mutation } from './mutation.ts'
import { REQUEST_LINES } from './request-lines.ts'
import { RESTORING_LINES } from './restoring-lines.ts'
import { RISK_LINES } from './risk-lines.ts'
import { SERVER_LINES } from './server-lines.ts'

export const MUTATIONS: readonly Mutation[] = [
  ...CONTACT_LINES,
  ...BATCH_LINES,
  ...IDENTIFIER_LINES,
  ...REQUEST_LINES,
  ...RISK_LINES,
  ...CLIENT_LINES,
  ...GAEN_PHONE_LINES,
  ...SERVER_LINES,
  ...KEY_LINES,
  ...RESTORING_LINES,
]

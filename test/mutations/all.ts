import { CLIENT_LINES } from './client-lines.ts'
import { CONTACT_LINES } from './contact-lines.ts'
import type { Mutation } from './mutation.ts'
import { REQUEST_LINES } from './request-lines.ts'
import { RISK_LINES } from './risk-lines.ts'
import { SERVER_LINES } from './server-lines.ts'

export const MUTATIONS: readonly Mutation[] = [
  ...CONTACT_LINES,
  ...REQUEST_LINES,
  ...RISK_LINES,
  ...CLIENT_LINES,
  ...SERVER_LINES,
]

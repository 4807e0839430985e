// In the page: answers cases of the conformance kit as test/kit/first does in Node.
import { decisionRunners } from '../kit/first/decisions.ts'
import { Fields, type Json } from '../kit/first/fields.ts'
import { messageRunners, type Runner } from '../kit/first/messages.ts'

const RUNNERS: Readonly<Record<string, Runner>> = { ...messageRunners, ...decisionRunners }

export interface Case {
  readonly section: string
  readonly input: Json
}

export const run = (cases: readonly Case[]): readonly unknown[] =>
  cases.map(({ section, input }) => {
    try {
      return RUNNERS[section]!(new Fields(input))
    } catch (error) {
      return { threw: String(error) }
    }
  })

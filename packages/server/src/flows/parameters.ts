import type { ResponseOf } from '@vicinity/protocol'
import type { Deps } from '../deps.ts'

/** What is public about the service. */
export const service = (deps: Deps): ResponseOf<'parameters'> => ({
  serviceStart: deps.settings.serviceStart,
  riskFunction: deps.robert.riskFunction,
  parameters: deps.robert.parameters,
})

export async function parameters(deps: Deps): Promise<ResponseOf<'parameters'>> {
  return service(deps)
}

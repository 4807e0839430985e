import type { DeployedEndpoint } from '../../deployed.ts'

export const VERIFICATION_ENDPOINTS: readonly DeployedEndpoint[] = []

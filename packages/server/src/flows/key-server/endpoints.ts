import type { DeployedEndpoint } from '../../deployed.ts'

export const KEY_SERVER_ENDPOINTS: readonly DeployedEndpoint[] = []

export type * from './events.ts'
export { type Exposure, matchKeys, type OpenedKeys, openKeys } from './match-archive.ts'
export { stepGaen } from './phone.ts'
export { advertisementOf } from './radio.ts'
export { type GaenHost, type GaenPhone, runGaenEvent } from './run.ts'
export {
  DEFAULT_GAEN_PHONE,
  type GaenSettings,
  type GaenState,
  newGaenPhone,
  restoreGaen,
  snapshotGaen,
} from './state.ts'

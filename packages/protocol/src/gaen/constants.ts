// Exposure Notification (Google and Apple): cryptography v1.2.1 and Bluetooth v1.2.2. Names are those of the texts, spelled out.

/** Seconds of an interval: an ENIntervalNumber counts them. */
export const INTERVAL_SECONDS = 600
/** TEKRollingPeriod: intervals of a temporary exposure key, a day. */
export const ROLLING_PERIOD = 144
/** Days that keys and sightings are kept. */
export const RETENTION_DAYS = 14
/** A sighting counts for an identifier up to so many seconds from the start of its interval, before and after. */
export const TOLERANCE_SECONDS = 7200

/** Lengths in bytes. */
export const GAEN_SIZE = {
  temporaryExposureKey: 16,
  rollingProximityIdentifier: 16,
  metadata: 4,
  advertisement: 31,
} as const

// What a back-end says to whoever runs it: a line of JSON an event, and nothing that is not in this table.

/** Every event, with the fields that it may have. None of them holds what came from outside. */
export const LOG_EVENTS = {
  'server.started': ['role'],
  'server.stopping': [],
  'server.stopped': [],
  'server.cut': ['after'],
  'job.failed': ['job'],
  'job.recovered': ['job'],
  'ready.lost': ['failing'],
  'ready.regained': [],
  'certificate.loaded': ['expires'],
  'certificate.refused': [],
} as const
export type LogEvent = keyof typeof LOG_EVENTS
export type LogDetails<Name extends LogEvent> = Readonly<Record<(typeof LOG_EVENTS)[Name][number], string | number>>

export type Log = <Name extends LogEvent>(event: Name, details: LogDetails<Name>) => void

/** For worlds in memory, which nobody runs. */
export const NO_LOG: Log = () => {}

/** Values are names of our own tables and whole numbers; whatever else came here by mistake is not written. */
const SAFE = /^[A-Za-z][A-Za-z ,]{0,120}$/

/** Writes lines; `now` gives Unix seconds. */
export function lineLog(write: (line: string) => void, now: () => number): Log {
  return (event, details) => {
    const fields: readonly string[] = LOG_EVENTS[event]
    const told = fields.map((field) => {
      const value = (details as Readonly<Record<string, unknown>>)[field]
      const isSafe = Number.isSafeInteger(value) || (typeof value === 'string' && SAFE.test(value))
      return [field, isSafe ? value : '?']
    })
    write(JSON.stringify({ at: new Date(now() * 1000).toISOString(), event, ...Object.fromEntries(told) }))
  }
}

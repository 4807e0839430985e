import { BadStore, statusOf } from '@vicinity/server'

/** The stores that commands take. */
export const STORES = 'sqlite:PATH, sqlite::memory:, postgres://USER:PASSWORD@HOST:PORT/NAME or postgres:throwaway'

/** Whether it is the store that a user can mend: its errors say how, and hold no value. */
export const isOfStore = (error: unknown): error is Error =>
  error instanceof BadStore || (error instanceof Error && statusOf(error).body.error === 'store')

// Text and numbers as the page shows them.
import type { Range } from './data.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Any text, for content and for attributes in quotation marks. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!)

/** JSON that cannot end the script element that it lies in. */
export const embeddedJson = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c')

export const shown = (number: number): string => String(number).replace(/\B(?=(\d{3})+$)/g, ',')

/** A number with the word for what it counts. */
export const counted = (number: number, one: string, many = `${one}s`): string =>
  `${shown(number)} ${number === 1 ? one : many}`

export const shownRange = ({ least, most }: Range): string =>
  least === most ? shown(least) : `${shown(least)} to ${shown(most)}`

/** Names in a row: `1, 2 and 3`. */
export const listed = (names: readonly (string | number)[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

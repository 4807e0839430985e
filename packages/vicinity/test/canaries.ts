// Values that must not be seen again, and the look for them in every form that a program may have written them in.

export interface Canary {
  readonly name: string
  readonly value: Uint8Array | string | number
}

/** Shorter pieces are found by chance. */
const LEAST_BYTES = 8

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** Base64 of bytes wherever they begin in a longer text of it: what does not depend on their neighbours. */
function base64Forms(bytes: Uint8Array): string[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes, Buffer.alloc(2)])
    const whole = padded.toString('base64')
    const inside = whole.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    return [inside, inside.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

/** Every form of a value, as latin1 text. */
export function formsOf({ value }: Canary): readonly string[] {
  if (typeof value === 'number') return [String(value), value.toString(16).padStart(8, '0')]
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  const hex = Buffer.from(bytes).toString('hex')
  const said = typeof value === 'string' ? [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)] : []
  const encoded = bytes.length < LEAST_BYTES ? [] : base64Forms(bytes)
  const listed = [...bytes].join(',')
  return [...new Set([...said, text(bytes), hex, hex.toUpperCase(), ...encoded, listed, listed.replaceAll(',', ', ')])]
}

/** Names of the canaries that are in what was written, each with the place. */
export function found(canaries: readonly Canary[], written: Readonly<Record<string, string | Uint8Array>>): string[] {
  return Object.entries(written).flatMap(([place, content]) => {
    const all = typeof content === 'string' ? Buffer.from(content, 'utf8').toString('latin1') : text(content)
    return canaries
      .filter((canary) => formsOf(canary).some((form) => all.includes(form)))
      .map(({ name }) => `${name} in ${place}`)
  })
}

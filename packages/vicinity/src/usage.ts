/** Something that the user can mend; told in one line, without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** An option that must be a whole number. */
export function wholeNumber(name: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (!/^-?\d+$/.test(text) || number < least || number > most) {
      throw new UsageError(`${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`)
    }
    return number
  }
}

/** An option that must be a fraction from 0 to 1. */
export function fraction(name: string): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (!/^\d*\.?\d+$/.test(text) || number > 1) {
      throw new UsageError(`${name} must be a number from 0 to 1, not ${JSON.stringify(text)}`)
    }
    return number
  }
}

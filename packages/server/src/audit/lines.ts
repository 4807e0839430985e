const END = 0x0a

export interface Lines {
  readonly lines: readonly Uint8Array[]
  /** Bytes after the last end of line: a write that a crash cut off. */
  readonly torn: number
}

/** The lines of a file, without their ends. */
export function linesOf(bytes: Uint8Array): Lines {
  const lines: Uint8Array[] = []
  let from = 0
  for (let to = bytes.indexOf(END); to >= 0; to = bytes.indexOf(END, from)) {
    lines.push(bytes.subarray(from, to))
    from = to + 1
  }
  return { lines, torn: bytes.length - from }
}

export function withEnd(line: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(line.length + 1)
  bytes.set(line)
  bytes[line.length] = END
  return bytes
}

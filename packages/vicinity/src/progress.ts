const WIDTH = 30

/** A line on standard error that shows how far a long job is; where that is no terminal, a line for each tenth. */
export class Progress {
  readonly #out = process.stderr
  #tenth = -1
  #shown = ''

  show(share: number, what: string): void {
    if (this.#out.isTTY) {
      const full = Math.round(share * WIDTH)
      const line = `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${String(Math.round(share * 100)).padStart(3)} %  ${what}`
      if (line === this.#shown) return
      this.#shown = line
      this.#out.write(`\r\x1b[2K${line}`)
      return
    }
    const tenth = Math.floor(share * 10)
    if (tenth === this.#tenth) return
    this.#tenth = tenth
    this.#out.write(`${tenth * 10} %  ${what}\n`)
  }

  end(): void {
    if (this.#out.isTTY && this.#shown !== '') this.#out.write('\n')
  }
}

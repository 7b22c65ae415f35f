/** Text on a screen of a given width: cleaned of what could steer a terminal, wrapped, cut, padded. Pure. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u001f\u007f-\u009f]+/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what colours begin with
const colours = /\u001b\[[0-9;]*m/g

/** One line without C0 and C1 control characters: what a bot wrote to its log must not move our cursor. */
export function clean(text: string): string {
  return text.replace(controls, ' ').trim()
}

/** Columns that a text takes: colours take none. */
export function visible(text: string): number {
  return text.replace(colours, '').length
}

export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - visible(text)))
}

/** Chosen: narrower than this, words are broken more than they are read. */
const narrowest = 24

/** Lines of at most `width` columns (the first of `firstWidth`), broken between words; what is longer than a line (a path) is broken where it must. */
export function wrap(text: string, width: number, firstWidth = width): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of clean(text).split(' ')) {
    let rest = word
    const room = (): number => Math.max(narrowest, lines.length === 0 ? firstWidth : width)
    if (line !== '' && line.length + 1 + rest.length > room()) {
      lines.push(line)
      line = ''
    }
    while (rest.length > room()) {
      const piece = rest.slice(0, room())
      lines.push(piece)
      rest = rest.slice(piece.length)
    }
    line = line === '' ? rest : `${line} ${rest}`
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line]
}

/** Wrapped, with `first` before the first line and `indent` spaces before the others, as many as `first` is wide if not given. */
export function hanging(
  first: string,
  text: string,
  columns: number,
  paint: (line: string) => string = (line) => line,
  indent = visible(first),
): string {
  const [head = '', ...rest] = wrap(text, columns - indent, columns - visible(first))
  return [`${first}${paint(head)}`, ...rest.map((line) => `${' '.repeat(indent)}${paint(line)}`)].join('\n')
}

/** Cut with "..." where it is longer than `width`. */
export function shortened(text: string, width: number): string {
  const line = clean(text)
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 3))}...`
}

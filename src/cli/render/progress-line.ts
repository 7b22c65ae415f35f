/** The one line at the bottom that is redrawn, and the lines above it that stay. Where nobody looks, only those that stay. */
import type { World } from '../command.ts'
import type { Palette } from './palette.ts'
import { shortened } from './text.ts'

export interface ProgressLine {
  readonly palette: Palette
  readonly columns: number
  /** The redrawn line becomes this; nothing where nobody looks. */
  show(text: string): void
  /** A line that stays, above the redrawn one. */
  say(text: string): void
  clear(): void
}

const eraseLine = '\r\u001b[K'

/** On stdout; with --json on stderr, because stdout belongs to the value. */
export function progressLine({ terminal, json }: Pick<World, 'terminal' | 'json'>): ProgressLine {
  const width = json ? terminal.errorColumns() : terminal.live ? terminal.columns() : null
  const write = json ? terminal.writeError : terminal.write
  let drawn = ''
  const draw = (text: string): void => {
    if (width === null || text === drawn) return
    write(text === '' ? eraseLine : `${eraseLine}  ${text}`)
    drawn = text
  }
  return {
    palette: json ? terminal.errorPalette : terminal.palette,
    columns: width ?? terminal.columns(),
    show: (text) => draw(shortened(text, (width ?? terminal.columns()) - 4)),
    say: (text) => {
      const below = drawn
      draw('')
      write(`${text}\n`)
      draw(below)
    },
    clear: () => draw(''),
  }
}

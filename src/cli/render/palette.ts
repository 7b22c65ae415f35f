/** Colours that only repeat what the words say: without them nothing is lost. Pure. */

export interface Palette {
  readonly bold: Paint
  readonly dim: Paint
  readonly good: Paint
  readonly warn: Paint
  readonly bad: Paint
  readonly accent: Paint
}

type Paint = (text: string) => string

const plain: Paint = (text) => text
export const plainPalette: Palette = { bold: plain, dim: plain, good: plain, warn: plain, bad: plain, accent: plain }

/** SGR codes of ECMA-48; each is closed by its own code, so that paints can be nested. */
const sgr =
  (on: number, off: number): Paint =>
  (text) =>
    text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`
export const colourPalette: Palette = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  good: sgr(32, 39),
  warn: sgr(33, 39),
  bad: sgr(31, 39),
  accent: sgr(36, 39),
}

/** FORCE_COLOR decides where it is set, then NO_COLOR, then whether a person looks at a terminal that has colours. */
export function choosePalette(environment: Readonly<Record<string, string | undefined>>, isTerminal: boolean): Palette {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: kind } = environment
  if (force !== undefined) return ['0', 'false'].includes(force) ? plainPalette : colourPalette
  if (no !== undefined && no !== '') return plainPalette
  return isTerminal && kind !== 'dumb' ? colourPalette : plainPalette
}

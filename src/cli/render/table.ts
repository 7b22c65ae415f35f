/** Aligned columns, and lists of facts with their labels. Pure. */
import type { Palette } from './palette.ts'
import { hanging, padded, visible } from './text.ts'

const gap = '  '
/** Chosen: a column that is narrower than this breaks every other word. */
const leastBeside = 28

/** Every column as wide as its widest cell. Nothing follows the last cell of a row. */
export function table(rows: readonly (readonly string[])[], indent = gap): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, visible(cell))
  }
  return rows.map((row) => `${indent}${row.map((cell, at) => padded(cell, widths[at] ?? 0)).join(gap)}`.trimEnd()).join('\n')
}

export interface Fact {
  readonly label: string
  /** null: left out. */
  readonly value: string | null
  readonly paint?: (line: string) => string
}

/** Labels in one column, values wrapped in the other. An empty label goes on with the one above. */
export function factList(facts: readonly Fact[], palette: Palette, columns: number): string {
  const width = Math.max(...facts.map((fact) => fact.label.length))
  // Where the labels leave no room beside them, the values stand below.
  const beside = width + 2 * gap.length + leastBeside <= columns
  const lines: string[] = []
  for (const { label, value, paint } of facts) {
    if (value === null) continue
    if (beside) lines.push(hanging(`${gap}${palette.dim(label.padEnd(width))}${gap}`, value, columns, paint))
    else lines.push(...(label === '' ? [] : [`${gap}${palette.dim(label)}`]), hanging(gap + gap, value, columns, paint))
  }
  return lines.join('\n')
}

/** What a benchmark says: one row per figure, with its target where it has one. Pure. */

export interface Row {
  readonly subject: string
  readonly figure: string
  /** '' for a figure that is only reported. */
  readonly target: string
  readonly measured: string
  /** null where there is no target. */
  readonly met: boolean | null
}

export function row(subject: string, figure: string, measured: string, target = '', met: boolean | null = null): Row {
  return { subject, figure, target, measured, met }
}

/** The rows as a table, columns aligned. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ subject, figure, target, measured, met }) => [subject, figure, target, measured, sayMet(met)])
  const head = ['subject', 'figure', 'target', 'measured', 'met']
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)))
  const rule = widths.map((width) => '-'.repeat(width))
  return [head, rule, ...cells].map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}

const sayMet = (met: boolean | null): string => (met === null ? '' : met ? 'yes' : 'NO')

/** "0.42 ms", "13 ms", "1,056 ms". */
export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en')} ms`
}

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
/** Of a share that is small. */
export const finePercent = (share: number): string => `${(share * 100).toFixed(2)} %`
export const mib = (bytes: number): string => `${(bytes / 1048576).toFixed(1)} MiB`
export const times = (ratio: number): string => `${ratio.toFixed(2)}x`

/** Writes the generated pages of docs/; with `--check` it only says which are stale, and ends with 1 then. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { commands } from '../src/cli/commands.ts'
import { cliDocument, configDocument, errorsDocument } from '../src/cli/documents.ts'
import { runbooks } from '../src/compose.ts'
import { runbookDocument } from '../src/runbook/document.ts'

/** Path below the repository -> content. */
export const pages: Readonly<Record<string, string>> = {
  'docs/runbook.md': runbookDocument(runbooks, { contacts: [], links: {} }),
  'docs/cli.md': cliDocument(commands),
  'docs/config.md': configDocument(),
  'docs/errors.md': errorsDocument(),
}

export function stalePages(): readonly string[] {
  return Object.keys(pages).filter((path) => textOf(path) !== pages[path])
}

const absolute = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
const textOf = (path: string): string | null => (existsSync(absolute(path)) ? readFileSync(absolute(path), 'utf8') : null)

if (import.meta.main) {
  const stale = stalePages()
  if (process.argv.includes('--check')) {
    if (stale.length > 0) console.log(`stale: ${stale.join(', ')}; run npm run docs`)
    process.exitCode = stale.length > 0 ? 1 : 0
  } else {
    for (const path of stale) writeFileSync(absolute(path), pages[path] ?? '')
    console.log(stale.length === 0 ? 'every page is as the source says' : `written: ${stale.join(', ')}`)
  }
}

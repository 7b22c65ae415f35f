/**
 * The proposed configuration as YAML: above each key why it has this value, and what else is worth knowing as comments. Pure.
 * Names come from file systems and files of others: whatever stands in them, it stays within its comment or its quotes.
 */
import { settings, type UserCheck } from '../config.ts'
import { type Proposal, serviceText } from './propose.ts'
import { yamlQuoted, yamlScalar } from './yaml-scalar.ts'

/** Keys that have a reason of their own; every other one is shown with its help, so that a new one is never forgotten. */
const proposed: readonly string[] = ['name', 'database', 'replica', 'service', 'checks']

/** Chosen: as wide as the pages of the documents. */
const width = 118

/** Ends with a newline. `readConfig` reads it as the proposal says. */
export function configurationText(proposal: Proposal): string {
  const { name, database, replica, service, checks } = proposal
  const blocks = [
    comment(
      'Settings of genesis-dr, proposed by `genesis-dr init` from what it found here. Relative paths count from the folder of this file.',
    ),
    key('name', yamlScalar(name.value), name.because),
    key('database', yamlScalar(database.value), database.because),
    key('replica', yamlScalar(replica.value), replica.because),
    service.value === null
      ? later('service', service.example, service.because)
      : key('service', serviceText(service.value), service.because),
    ...ledgerBlock(proposal),
    ...checksBlock(checks),
    ...Object.entries(settings)
      .filter(([name]) => !proposed.includes(name))
      .map(([name, { help, example, byDefault }]) => later(name, example, `${help} By default: ${byDefault}.`)),
  ]
  return `${blocks.join('\n\n')}\n`
}

function ledgerBlock({ ledger }: Proposal): readonly string[] {
  if (ledger.value === null) return [comment(`The ledger: ${ledger.because}.`)]
  return [
    `${comment(`Whose ledger it is: ${ledger.because}. This version does not know the key yet: leave it a comment.`)}\n# ledger: ${ledger.value}`,
  ]
}

function checksBlock({ holding, failing, because }: Proposal['checks']): readonly string[] {
  const line = ({ name, sql, equals }: UserCheck): string =>
    `  - { name: ${yamlQuoted(name)}, sql: ${yamlQuoted(sql)}, equals: ${JSON.stringify(equals)} }`
  const own =
    holding.length === 0
      ? later('checks', settings.checks.example, `${because}. ${settings.checks.help}`)
      : `${comment(`${because}. Add your own: ${settings.checks.help}`)}\nchecks:\n${holding.map(line).join('\n')}`
  const notHeld = failing.map(
    ({ check, observed }) =>
      `${comment(`Proposed for such a database, but it does not hold in this one now (${observed}), so find out why before you use it:`)}\n# ${line(check).trim()}`,
  )
  return [own, ...notHeld]
}

const key = (name: string, value: string, because: string): string => `${comment(because)}\n${name}: ${value}`

/** A key that is not set. */
const later = (name: string, example: string, because: string): string => `${comment(because)}\n# ${name}: ${example}`

function comment(text: string): string {
  const lines: string[] = []
  let line = '#'
  for (const word of oneLine(text).split(' ')) {
    if (line !== '#' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = '#'
    }
    line += ` ${word}`
  }
  return [...lines, line].join('\n')
}

/** Whatever ends a line in YAML or steers a screen becomes a blank. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]+/g, ' ').trim()
}

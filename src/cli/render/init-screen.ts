/** What `init` found and proposes, as a screen. Pure. */
import type { Candidate } from '../../init/facts.ts'
import type { InitOutcome, Proposed } from '../../init/outcome.ts'
import { holdersOf } from '../../init/propose.ts'
import { shellWord } from '../../shell-word.ts'
import { formatBytes } from '../../units.ts'
import type { Palette } from './palette.ts'
import { type Fact, factList, table } from './table.ts'
import { hanging } from './text.ts'

export function initScreen(outcome: InitOutcome, palette: Palette, columns: number): string {
  if (outcome.do === 'choose') return choiceScreen(outcome, palette, columns)
  const { facts, proposal, configuration, next } = outcome
  const headline =
    configuration.outcome === 'written' ? `wrote ${configuration.path}` : `${configuration.path} is there already, and stays as it is`
  const steps = next.steps.map(({ does, lines }) => [palette.bold(`# ${does}`), ...lines].join('\n'))
  const blocks = [
    hanging('', headline, columns, palette.bold),
    section('needs attention', proposal.concerns, palette, columns),
    factList(factsOf(outcome), palette, columns),
    outcome.wal.outcome === 'already' ? '' : section('WAL mode', whatWalMeans(facts.file.path), palette, columns),
    'next:',
    ...steps,
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function choiceScreen(
  { because, candidates, searched }: Extract<InitOutcome, { do: 'choose' }>,
  palette: Palette,
  columns: number,
): string {
  const more = searched.files.slice(candidates.length).map(({ path }) => path)
  const blocks = [
    hanging('', because, columns, palette.bold),
    candidateTable(candidates),
    section('not looked at closer', more, palette, columns),
    section('not looked at', searched.gaps, palette, columns),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function factsOf({ facts, proposal, wal, searched }: Proposed): readonly Fact[] {
  const { file, owner, group, units, containers } = facts
  const unit = units.found.map(({ name, by }) => `${name} (${by === 'process' ? 'has it open' : 'names the folder'})`).join(', ')
  const container = containers.found.map(({ service, file: from, volume }) => `${service} of ${from}, volume ${volume}`).join('; ')
  return [
    { label: 'database', value: `${file.path} (${formatBytes(file.sizeBytes)}, of ${owner}:${group})` },
    { label: 'not looked at', value: searched === null || searched.gaps.length === 0 ? null : searched.gaps.join('; ') },
    { label: 'ledger', value: `${proposal.ledger.value ?? 'not known'}: ${facts.ledgerBecause}` },
    { label: 'journal mode', value: `${file.journal === 'wal' ? 'WAL' : 'rollback'}: ${wal.because}` },
    { label: 'processes', value: holdersOf(facts) },
    { label: 'systemd unit', value: unit === '' ? `not found: ${units.because}` : unit },
    { label: 'Compose', value: container === '' ? `not found: ${containers.because}` : container },
    { label: 'this user', value: proposal.access.because },
    { label: 'replica', value: `${facts.replica.path}, ${disk(facts.replica.sameDisk)}` },
    { label: 'checks', value: proposal.checks.because },
  ]
}

function disk(sameDisk: boolean | null): string {
  return sameDisk === null ? 'on a disk that is not known' : sameDisk ? 'on the disk of the database' : 'on another disk than the database'
}

function whatWalMeans(path: string): readonly string[] {
  return [
    'it is kept in the file: it stays, whoever opens it next, and the bot needs no change (unless it sets another mode itself)',
    `while it is open there are ${path}-wal and ${path}-shm: they belong to it, and are never copied, moved or deleted alone`,
    `the way back, with bot and copy stopped: sqlite3 ${shellWord(path)} 'PRAGMA journal_mode=DELETE'`,
  ]
}

function section(title: string, lines: readonly string[], palette: Palette, columns: number): string {
  return lines.length === 0 ? '' : [`  ${palette.warn(title)}`, ...lines.map((line) => hanging('    - ', line, columns))].join('\n')
}

/** Numbered, as they are asked for. */
export function candidateTable(candidates: readonly Candidate[]): string {
  return table(
    candidates.map(({ file, ledger, owner, group, ...rest }, at) => [
      `${at + 1}`,
      file.path,
      formatBytes(file.sizeBytes),
      file.journal === 'wal' ? 'WAL' : 'rollback',
      ledger?.ledger ?? 'not known',
      `${owner}:${group} ${(file.mode & 0o7777).toString(8)}`,
      holdersOf(rest),
    ]),
  )
}

/** From what was found to what is proposed: each value with why it was chosen, and what needs attention, most urgent first. Pure. */
import type { UserCheck } from '../config.ts'
import { listed } from '../runbook/holders.ts'
import { counted, formatBytes } from '../units.ts'
import { type Access, accessOf } from './access.ts'
import type { Facts } from './facts.ts'
import { yamlQuoted, yamlScalar } from './yaml-scalar.ts'

export interface Proposal {
  readonly name: Because<string>
  /** As it is written: relative to the folder of the configuration where it lies below it. */
  readonly database: Because<string>
  readonly replica: Because<string>
  /** null: none can be named, and `example` is what to write instead. */
  readonly service: Because<ProposedService | null> & { readonly example: string }
  readonly ledger: Because<string | null>
  readonly checks: {
    readonly holding: readonly UserCheck[]
    readonly failing: readonly { readonly check: UserCheck; readonly observed: string }[]
    readonly because: string
  }
  readonly access: Access
  readonly concerns: readonly string[]
}

/** `file`: as it counts from the folder of the configuration. */
export type ProposedService =
  | { readonly command: readonly string[] }
  | { readonly systemd: string }
  | { readonly compose: string; readonly file: string }

interface Because<T> {
  readonly value: T
  readonly because: string
}

export function propose(facts: Facts): Proposal {
  const access = accessOf(facts)
  const service = serviceOf(facts)
  return {
    name: nameOf(facts, service.value),
    database: {
      value: fromHome(facts, facts.file.path),
      because: `The database of the bot: ${formatBytes(facts.file.sizeBytes)}, in ${facts.file.journal === 'wal' ? 'WAL' : 'rollback-journal'} mode, of ${facts.owner}:${facts.group}; ${holdersOf(facts)}.`,
    },
    replica: replicaOf(facts),
    service,
    ledger: { value: facts.ledger?.ledger ?? null, because: facts.ledgerBecause },
    checks: checksOf(facts),
    access,
    concerns: concernsOf(facts, access, service),
  }
}

const asItStands = 'As the configuration says that stands there.'

function nameOf({ folder, standing }: Facts, service: ProposedService | null): Because<string> {
  if (standing !== null) return { value: standing.name, because: asItStands }
  const told = "The system's name: typed, or given with --yes, before anything live."
  if (service !== null && 'systemd' in service) return { value: service.systemd, because: `${told} Taken from the unit.` }
  if (service !== null && 'compose' in service) return { value: service.compose, because: `${told} Taken from the service.` }
  const last = folder.slice(folder.lastIndexOf('/') + 1)
  return last === '' ? { value: 'bot', because: told } : { value: last, because: `${told} Taken from the folder.` }
}

export function holdersOf({ holders }: Pick<Facts, 'holders'>): string {
  if (holders.processes.length > 0) return `open in ${listed(holders.processes)}`
  return holders.complete ? 'no process has it open' : `whether a process has it open is not known (${holders.because})`
}

function replicaOf(facts: Facts): Because<string> {
  const { path, given, sameDisk } = facts.replica
  const disk =
    sameDisk === null
      ? 'Whether that is another disk than the one of the database could not be told.'
      : sameDisk
        ? 'It lies on the SAME DISK as the database: it survives corruption, not the loss of this disk. Give a folder on another one.'
        : 'It lies on another disk than the database.'
  const chosen =
    given === 'given'
      ? 'Where the continuous copy goes, as it was given.'
      : 'Where the continuous copy goes. No --replica was given, so it is proposed here.'
  return { value: `file:${fromHome(facts, path)}`, because: `${chosen} ${disk}` }
}

function serviceOf(facts: Facts): Proposal['service'] {
  const { units, containers, holders, standing } = facts
  const how = 'How the bot is stopped and started'
  const without = 'Without this key the bot is stopped and started by hand, and every result says so.'
  const stands = standing?.service ?? null
  if (stands !== null) {
    const value = 'compose' in stands ? { compose: stands.compose, file: 'file' in stands.at ? stands.at.file : stands.at.folder } : stands
    return { value, example: serviceText(value), because: asItStands }
  }
  const [unit] = units.found
  if (unit !== undefined) {
    const example = serviceText({ systemd: unit.name })
    if (units.found.length > 1) {
      const names = units.found.map(({ name }) => name).join(', ')
      return { value: null, example, because: `${how}: several units may hold it (${names}); write the right one. ${without}` }
    }
    const open = 'a process of it has the database open'
    const seen = unit.by === 'process' ? open : 'it names the folder; no process of it was seen with the database open'
    return { value: { systemd: unit.name }, example, because: `${how}: the systemd unit ${unit.name} (${seen}).` }
  }
  const [container] = containers.found
  if (container !== undefined) {
    const value = { compose: container.service, file: fromHome(facts, container.file) }
    const names = containers.found.map(({ service, file, volume }) => `${service} of ${file} (its volume ${volume} holds the database)`)
    const several = containers.found.length > 1
    if (several)
      return {
        value: null,
        example: serviceText(value),
        because: `${how}: several services may hold it: ${names.join(', ')}; write the right one. ${without}`,
      }
    return {
      value,
      example: serviceText(value),
      because: `${how}: the Compose service ${names[0]}. Tested on recorded output, not on a docker that runs: try stop-trading and resume-trading once.`,
    }
  }
  const [holder] = holders.processes
  const started =
    holder === undefined
      ? ''
      : ` Process ${holder.pid} (${holder.command}) has it open: whatever starts that is meant, with ALL its arguments: they are left out here, as they may hold secrets ("xargs -0 < /proc/${holder.pid}/cmdline" shows them).`
  const because = `${how}. No systemd unit and no Compose service was found (${units.because}; ${containers.because}).${started} ${without}`
  const words = (holder?.command ?? 'python3 bot.py').split(' ').filter((word) => word !== '')
  return { value: null, example: `{ command: [${words.map(yamlScalar).join(', ')}], cwd: . }`, because }
}

/** As it is written in the configuration. */
export function serviceText(service: ProposedService): string {
  if ('command' in service) return `{ command: [${service.command.map(yamlQuoted).join(', ')}] }`
  if ('systemd' in service) return `{ systemd: ${yamlScalar(service.systemd)} }`
  return `{ compose: ${yamlScalar(service.compose)}, file: ${yamlScalar(service.file)} }`
}

function checksOf({ checks, ledger, ledgerBecause }: Facts): Proposal['checks'] {
  const holding = checks.filter(({ result }) => result.outcome === 'pass').map(({ check }) => check)
  const failing = checks
    .filter(({ result }) => result.outcome !== 'pass')
    .map(({ check, result }) => ({ check, observed: result.observed }))
  const because =
    ledger === null
      ? `No check can be proposed: ${ledgerBecause}`
      : holding.length === 0
        ? `No check is proposed: ${ledger.because}`
        : `What must hold after every transaction; ${counted(holding.length, 'check')} for such a database, each tried on it now and held`
  return { holding, failing, because }
}

function concernsOf(facts: Facts, access: Access, service: Proposal['service']): readonly string[] {
  const { file, replica, holders, units, containers, closed, owner } = facts
  const concerns: string[] = []
  if (!access.does) concerns.push(`this user cannot protect it: ${access.because}`)
  if (file.journal === 'rollback')
    concerns.push(
      'the database is in rollback-journal mode, which keeps no log that could be copied: stop the bot, then the same command with --wal',
    )
  if (closed !== null)
    concerns.push(
      `this program lies below ${closed}, which ${owner} may not enter, so the unit below could not start it: put the clone elsewhere, for example into /srv`,
    )
  if (replica.sameDisk !== false)
    concerns.push(
      replica.sameDisk === true
        ? `the copy would lie on the same disk as the database: it survives corruption, not the loss of this disk. Change "replica" to a folder on another one`
        : 'whether the copy would lie on another disk than the database could not be told',
    )
  if (holders.processes.length === 0 && !holders.complete) concerns.push(`whether the bot runs could not be told: ${holders.because}`)
  if (service.value === null) {
    const several =
      units.found.length > 1
        ? 'several units may hold the bot'
        : containers.found.length > 1
          ? 'several Compose services may hold the bot'
          : 'what starts the bot was not found'
    concerns.push(`${several}: it is stopped and started by hand until "service" is set`)
  }
  for (const { check, result } of facts.checks)
    if (result.outcome !== 'pass') concerns.push(`a check that should hold in such a database does not: ${check.name} (${result.observed})`)
  return concerns
}

/** `path` as it counts from the folder of the configuration: relative only where it lies below it. */
export function fromHome({ output }: Pick<Facts, 'output'>, path: string): string {
  const home = output.slice(0, output.lastIndexOf('/') + 1)
  return home !== '' && path.startsWith(home) ? path.slice(home.length) : path
}

/** `init`: looks, lets a person choose where something has to be chosen, switches to WAL where that was asked for, and writes the proposal. */
import { DrError } from '../errors.ts'
import type { DatabaseFile, Searched } from '../ports/database-search.ts'
import type { JournalMode } from '../ports/journal-mode.ts'
import { requireNobody, strangersOn } from '../runbook/holders.ts'
import { configurationText } from './configuration-text.ts'
import type { Candidate, Facts, Standing } from './facts.ts'
import { findCandidates, type LookPorts, lookCloser, type Places } from './look.ts'
import { nextSteps, type TextFile } from './next-steps.ts'
import type { InitOutcome, Wal } from './outcome.ts'
import { type Proposal, propose } from './propose.ts'
import { unitName } from './unit-name.ts'

export interface InitPorts extends LookPorts {
  readonly journalMode: JournalMode
  /**
   * A new file, whole and durable, that the group may read: 'exists' when one was there, which is left alone.
   * If we die here: there is the whole file or none. Safe to repeat: yes, by 'exists'.
   */
  writeConfiguration(path: string, text: string, gid: number): Promise<'created' | 'exists'>
  /** What a configuration says. @throws CONFIG_INVALID */
  standing(path: string): Promise<Standing>
  /** What stands at the path of a unit file; null: nothing, or it cannot be read. */
  unitText(path: string): string | null
  /** What makes the systemd unit respect the halt latch of this configuration; null: it does already. */
  haltOf(unit: string, output: string): Promise<TextFile | null>
}

export interface InitRequest extends Omit<Places, 'standing'> {
  /** Absolute, without symbolic links; null: it is looked for. */
  readonly database: string | null
  /** 'switch': to WAL mode, or refused; the configuration may be there already. 'offer': where nobody has the database open, `agrees` is asked. */
  readonly wal: 'switch' | 'offer'
  /** One of several; null: nobody chose. */
  choose(candidates: readonly Candidate[]): Promise<Candidate | null>
  agrees(facts: Facts): Promise<boolean>
}

/**
 * The journal mode first, then the file: whoever finds the file finds what it says.
 * @throws OUTPUT_EXISTS, DATABASE_MISSING, DATABASE_NOT_SQLITE, DATABASE_IN_USE, HOLDERS_UNKNOWN: nothing was changed then
 */
export async function initialise(ports: InitPorts, request: InitRequest): Promise<InitOutcome> {
  const { output } = request
  const stands = (await ports.files.stat(output)) !== null
  if (stands && request.wal === 'offer') throw exists(output, 'nothing was written.')
  const standing = stands ? await ports.standing(output) : null
  const chosen = await chooseDatabase(ports, { ...request, database: request.database ?? standing?.database ?? null })
  if ('do' in chosen) return chosen
  const { searched } = chosen
  if (standing !== null && standing.database !== chosen.file.path) throw ofAnother(output, standing.database, chosen.file.path)
  const replica = standing?.replica == null ? request.replica : { path: standing.replica, given: 'given' as const }
  const before = await lookCloser(ports, chosen.file, { ...request, standing, replica })
  const wal = await switchToWal(ports, request, before)
  const facts = wal.outcome === 'switched' ? { ...before, file: await ports.search.at(chosen.file.path) } : before
  const proposal = propose(facts)
  const text = standing?.text ?? configurationText(proposal)
  if (!stands && (await ports.writeConfiguration(output, text, facts.file.gid)) === 'exists')
    throw exists(output, wal.outcome === 'switched' ? 'the database was switched to WAL mode before.' : 'nothing was written.')
  const halt = await haltFor(ports, proposal, output)
  const name = unitName(proposal.name.value, output, ports.unitText)
  const configuration = { path: output, text, outcome: stands ? ('kept' as const) : ('written' as const) }
  return { do: 'proposed', searched, facts, proposal, configuration, wal, next: nextSteps(facts, proposal, ports.program, { name, halt }) }
}

interface Chosen {
  readonly file: DatabaseFile
  readonly searched: Searched | null
}

async function chooseDatabase(ports: InitPorts, request: InitRequest): Promise<Chosen | Extract<InitOutcome, { do: 'choose' }>> {
  if (request.database !== null) return { file: await ports.search.at(request.database), searched: null }
  const found = await findCandidates(ports, request.folder)
  const [first] = found.candidates
  if (first !== undefined && found.searched.files.length === 1) return { file: first.file, searched: found.searched }
  const chosen = await request.choose(found.candidates)
  if (chosen !== null) return { file: chosen.file, searched: found.searched }
  return { do: 'choose', because: 'several databases are here, and one has to be named with --db FILE; nothing was written', ...found }
}

/**
 * Who has it open is asked anew, right before. A bot that reads or writes in between makes SQLite refuse, and nothing is changed; one that
 * opens it and rests finds WAL mode at its next statement.
 */
async function switchToWal(ports: InitPorts, request: InitRequest, facts: Facts): Promise<Wal> {
  const { file, holders, self } = facts
  if (file.journal === 'wal') return { outcome: 'already', because: 'it is in WAL mode' }
  // At rest a bot holds no lock in this mode, so it is seen by its open files only: all of them by root, its own by the owner.
  const sees = self.uid === 0 || self.uid === file.uid
  const free = sees && holders.complete && holders.processes.length === 0
  if (request.wal === 'offer' && !(free && (await request.agrees(facts)))) {
    const how = free ? 'say --wal' : 'stop the bot, then say --wal'
    return { outcome: 'not switched', because: `it is in rollback-journal mode, which keeps no log that could be copied: ${how}` }
  }
  const own = { ...ports, capture: ports.captureOf(file.path) }
  requireNobody(await strangersOn(own, file.path), file.path, 'Stop the bot, then repeat it; WAL mode stays when the bot starts again.')
  if (!sees) throw holdersUnknown(facts)
  await ports.journalMode.toWal(file.path)
  const after = await ports.search.at(file.path)
  if (after.journal === 'wal')
    return {
      outcome: 'switched',
      because: `it was switched from rollback-journal to WAL mode, and its header says so${self.uid === 0 ? '' : unseen}`,
    }
  throw new DrError('DATABASE_NOT_WAL', {
    what: `SQLite said that ${file.path} is in WAL mode, but its header does not say so`,
    untouched: 'No configuration was written.',
    next: 'Look whether a program has set it back; then repeat it.',
  })
}

async function haltFor(ports: InitPorts, { service }: Proposal, output: string): Promise<TextFile | null> {
  return service.value !== null && 'systemd' in service.value ? ports.haltOf(service.value.systemd, output) : null
}

/** What the owner of the database cannot know; SQLite itself refuses while somebody reads or writes. */
const unseen = '; whether a process of another user has it open at rest could not be seen'

function holdersUnknown({ file, self, owner }: Facts): DrError {
  return new DrError('HOLDERS_UNKNOWN', {
    what: `in rollback-journal mode a bot at rest holds no lock, and ${self.name} cannot see which files the processes of ${owner} have open`,
    untouched: `${file.path} was not touched, and no configuration was written.`,
    next: `Repeat it as root or as ${owner}, with the bot stopped.`,
  })
}

function exists(output: string, untouched: string): DrError {
  return new DrError('OUTPUT_EXISTS', {
    what: `there is a file at ${output} already`,
    untouched: `It was not touched, and ${untouched}`,
    next: 'To change what it says, edit it (docs/config.md lists every setting); for a second one, give another name with --output FILE.',
  })
}

function ofAnother(output: string, its: string, asked: string): DrError {
  return new DrError('OUTPUT_EXISTS', {
    what: `the configuration at ${output} is about another database (${its})`,
    untouched: `It was not touched, nor was ${asked}.`,
    next: 'Give another name with --output FILE.',
  })
}

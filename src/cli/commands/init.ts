/** `init`: looks at what is here, and writes a configuration that says why each value was chosen. */
import type { Candidate, Facts } from '../../init/facts.ts'
import { type Ask, command, show, type World } from '../command.ts'
import { flag, text, usage } from '../options.ts'
import { candidateTable, initScreen } from '../render/init-screen.ts'

export const init = command({
  name: 'init',
  summary: "looks at a bot's folder, and proposes a commented configuration for it",
  about:
    'Finds the database by its header, whose tables it has, its journal mode, who has it open, the systemd unit or Compose service that runs it, and ' +
    'whether this user can protect it; writes genesis-dr.yaml into the folder, with a reason above each value, and shows what to type next. It never ' +
    'overwrites a configuration. A database in rollback-journal mode has no log to follow: with --wal, while nobody has it open, it is switched.',
  changes: 'the configuration',
  settings: 'not read',
  words: { usage: '[FOLDER]', most: 1 },
  options: {
    db: text('FILE', 'the database, where several are found or it lies elsewhere'),
    replica: text('URL', 'where the copy is to go: file:PATH, best on another disk'),
    output: text('FILE', 'the configuration to write, instead of genesis-dr.yaml in the folder'),
    wal: flag('switch the database to WAL mode, if nobody has it open; a configuration that is there stays as it is'),
  },
  examples: [
    { line: 'init /srv/freqtrade --replica file:/mnt/backup/freqtrade', does: 'looks there, and writes its genesis-dr.yaml' },
    { line: 'init --db trades.db --output desk.yaml', does: 'of the working directory, with names of your own' },
    { line: 'init --db trades.db --wal', does: 'switches it to WAL mode, with the bot stopped' },
  ],
  json: '{ do: "proposed", facts, proposal, configuration: { path, text, outcome }, wal: { outcome, because }, next: { unit, steps } }, or { do: "choose", because, candidates, searched }',
  exits: {
    2: 'usage, no database found, or several and none named',
    4: 'a configuration is there, or --wal while a process has the database open; nothing done',
  },
  run: async ({ db, output, wal }, world, [folder]) => {
    const { parts, ask, json, resolve } = world
    const person = json ? null : ask
    const outcome = await parts.init({
      folder: resolve(folder ?? '.'),
      database: db === null ? 'to be found' : 'named',
      output: output === null ? null : resolve(output),
      wal: wal ? 'switch' : 'offer',
      choose: (candidates) => (person === null ? Promise.resolve(null) : askWhich(world, person, candidates)),
      agrees: (facts) => (person === null ? Promise.resolve(false) : askForWal(world, person, facts)),
    })
    show(world, outcome, (palette, columns) => initScreen(outcome, palette, columns))
    return outcome.do === 'choose' ? 2 : 0
  },
})

async function askWhich({ terminal }: World, ask: Ask, candidates: readonly Candidate[]): Promise<Candidate | null> {
  terminal.writeError(`${candidateTable(candidates)}\n`)
  const answer = (await ask('Which one? Its number: '))?.trim() ?? ''
  const chosen = /^\d+$/.test(answer) ? candidates[Number(answer) - 1] : undefined
  if (answer !== '' && chosen === undefined)
    throw usage(`there is no database "${answer}" in the list`, 'Repeat it, or name one with --db FILE.')
  return chosen ?? null
}

async function askForWal({ terminal }: World, ask: Ask, { file }: Facts): Promise<boolean> {
  terminal.writeError(`${file.path} is in rollback-journal mode, which keeps no log that could be copied; nobody has it open now.\n`)
  return /^y(es)?$/i.test((await ask('Switch it to WAL mode? It stays so, and the bot needs no change. [yes/no] '))?.trim() ?? '')
}

/** `replicate`: copies the live database continuously, in the foreground, until told to stop. */
import type { CaptureEvent } from '../../replication/capture-event.ts'
import { command } from '../command.ts'
import { flag } from '../options.ts'
import { captureLines, eventLine, sayOn, stoppedEvent } from '../render/capture-lines.ts'
import { progressLine } from '../render/progress-line.ts'

export const replicate = command({
  name: 'replicate',
  summary: 'copies the live database continuously, in the foreground, until told to stop',
  about:
    'Any SQLite database in WAL mode, written by any program in any language; that program is not touched, and no table is made in it. ' +
    'While this runs, the bot cannot leave WAL mode (PRAGMA journal_mode=DELETE answers "database is locked"). ' +
    'SIGTERM or Ctrl-C flushes what is committed and ends with 0.',
  changes: 'the replica',
  options: { takeOver: flag('go on with a replica whose last writer is not proven to be this database; it begins a new timeline') },
  examples: [
    { line: 'replicate --db trades.db --replica file:./replica', does: 'protects one database, with no configuration at all' },
    { line: 'replicate', does: 'the same, from genesis-dr.yaml' },
    { line: 'replicate --json', does: 'one JSON object a line: attached, flushed, checkpointed, warning, restarted, stopped' },
  ],
  json: 'One JSON object a line for each event; `type` tells which.',
  run: async (args, world) => {
    const { config, parts, interruption, json, terminal } = world
    const line = progressLine(world)
    const show = json ? (event: CaptureEvent) => terminal.write(eventLine(event)) : captureLines(world, line)
    if (!json) sayOn(line)('', `copying ${config.database} to ${config.replica?.url ?? 'nowhere'}; SIGTERM or Ctrl-C flushes and ends`)
    const outcome = await parts.replicate({ takeOver: args.takeOver, signal: interruption.signal, onEvent: show })
    show(stoppedEvent(outcome))
    line.clear()
    return outcome?.complete === true ? 0 : 1
  },
})

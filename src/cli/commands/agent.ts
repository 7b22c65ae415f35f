/** `agent`: the daemon. Replicates, looks for damage, rehearses restores, and recovers by itself where the configuration says so. */
import type { AgentEvent } from '../../agent/agent-event.ts'
import { formatDuration } from '../../units.ts'
import { command, type World } from '../command.ts'
import { flag } from '../options.ts'
import { captureLines, eventLine, sayOn, stoppedEvent } from '../render/capture-lines.ts'
import { type ProgressLine, progressLine } from '../render/progress-line.ts'

export const agent = command({
  name: 'agent',
  summary: 'replicates, looks for damage, rehearses restores, and recovers by itself where the configuration says so',
  about:
    'Copies the database as `replicate` does. Every 30 s, and whenever the bot ends, it looks for damage with the probes of DATABASE_CORRUPTION; ' +
    'every few minutes (`rehearse`) it restores the newest point to a scratch file and checks it. Damage that is seen twice, or that the copy itself met, ' +
    'starts the runbook without a person where `autoExecute` names it; otherwise, and whenever a person stopped the bot, it calls a person (`notify`). ' +
    'SIGTERM or Ctrl-C pauses a run after its step, flushes what is committed and ends with 0.',
  changes: 'the replica',
  options: { takeOver: flag('go on with a replica whose last writer is not proven to be this database; it begins a new timeline') },
  examples: [
    { line: 'agent', does: 'watches over the system of genesis-dr.yaml' },
    { line: 'agent --json', does: 'one JSON object a line: those of replicate, looked, decided, rehearsed, told, and those of a run' },
  ],
  json: 'One JSON object a line for each event; `type` tells which.',
  exits: { 4: 'another agent runs on this system' },
  run: async (args, world) => {
    const { parts, interruption, json, terminal } = world
    const line = progressLine(world)
    const show = json ? (event: AgentEvent) => terminal.write(eventLine(event)) : screen(world, line)
    const outcome = await parts.agent({ takeOver: args.takeOver, signal: interruption.signal, onEvent: show })
    show(stoppedEvent(outcome))
    line.clear()
    return outcome?.complete === true ? 0 : 1
  },
})

function screen(world: World, line: ProgressLine): (event: AgentEvent) => void {
  const { config, terminal } = world
  const { good, warn, bad } = terminal.palette
  const say = sayOn(line)
  const capture = captureLines(world, line)
  const automatic = config.autoExecute.length === 0 ? 'nothing is started by itself' : `starts by itself: ${config.autoExecute.join(', ')}`
  say('', `watching over ${config.name}: ${config.database} to ${config.replica?.url ?? 'nowhere'}; ${automatic}`)
  return (event) => {
    switch (event.type) {
      case 'looked':
        if (event.found !== '') say(`${bad('damage')}: `, event.found)
        else if (event.untold !== '') say(`${warn('not known')}: `, event.untold)
        for (const trouble of event.troubles) say(`${warn('trouble')}: `, trouble)
        return
      case 'decided':
        say(`${event.do === 'execute' ? bad('recovering') : event.do}: `, event.because)
        return
      case 'rehearsed':
        say(`${event.success ? good('rehearsed') : bad('rehearsal failed')}: `, `${event.because} (${formatDuration(event.durationMs)})`)
        return
      case 'not-done':
        say(`${warn(`no ${event.what}`)}: `, event.because)
        return
      case 'run-concluded':
        say(`${event.success === true ? good('recovered') : event.success === null ? 'paused' : bad('NOT recovered')}: `, event.because)
        return
      case 'capture-refused':
        say(`${bad('not copied any more')}: `, event.because)
        return
      case 'told':
        if (event.channels > 0) say('', `told ${event.accepted} of ${event.channels} channels: ${event.title}`)
        return
      case 'step-ended':
        say(`${event.outcome} ${event.step}: `, event.because)
        return
      case 'run-started':
      case 'run-resumed':
        say('', `run ${event.runId}: ${event.scenario}`)
        return
      case 'run-ended':
      case 'step-began':
      case 'step-progress':
        return
      default:
        capture(event)
    }
  }
}

/** A run as it happens: one line a step, with its outcome, against the clock of the RTO. */
import type { DrillEvent } from '../../drill/drill.ts'
import { formatDuration } from '../../units.ts'
import type { RunEvent } from '../../workflow/run.ts'
import type { World } from '../command.ts'
import { outcomeWord } from './outcome-word.ts'
import { progressLine } from './progress-line.ts'
import { hanging, padded, shortened } from './text.ts'

const timeColumns = 9
const wordColumns = 8
/** Chosen: five times a second reads as a running clock and costs nothing. */
const tickMs = 200

export interface Timeline {
  readonly onEvent: (event: RunEvent | DrillEvent) => void
  /** Nothing is drawn after this. */
  end(): void
}

/** `rtoMs`: the ceiling that the elapsed time is shown against; null where there is none. */
export function timeline(world: Pick<World, 'terminal' | 'json' | 'clock'>, rtoMs: number | null): Timeline {
  const { clock } = world
  const line = progressLine(world)
  const { palette } = line
  const ceiling = rtoMs === null ? '' : ` of ${formatDuration(rtoMs)}`
  const ticking = new AbortController()
  const current: { step: string | null; doing: string; elapsedMs: number; atMs: number } = { step: null, doing: '', elapsedMs: 0, atMs: 0 }
  const redraw = (): void => {
    if (current.step === null) return
    const elapsedMs = current.elapsedMs + clock.monotonicMs() - current.atMs
    const doing = current.doing === '' ? ' ...' : `: ${current.doing}`
    const time = `  (${formatDuration(elapsedMs)}${ceiling})`
    line.show(`${shortened(`${current.step}${doing}`, line.columns - 4 - time.length)}${time}`)
  }
  const tick = async (): Promise<void> => {
    while (!ticking.signal.aborted) {
      redraw()
      await clock.sleep(tickMs, ticking.signal)
    }
  }
  const say = (elapsedMs: number | null, body: string, paint?: (text: string) => string): void => {
    const time = palette.dim((elapsedMs === null ? '' : formatDuration(elapsedMs)).padStart(timeColumns))
    line.say(hanging(`${time}  `, body, line.columns, paint))
  }
  void tick()
  const work = (step: string, doing: string, elapsedMs: number): void => {
    Object.assign(current, { step, doing, elapsedMs, atMs: clock.monotonicMs() })
    redraw()
  }
  return {
    end: () => {
      ticking.abort()
      line.clear()
    },
    onEvent: (event) => {
      switch (event.type) {
        case 'note':
          say(event.elapsedMs, event.text)
          return
        case 'damage':
          say(event.elapsedMs, `DAMAGE: ${event.text}`, palette.bad)
          return
        case 'run-started':
        case 'run-resumed':
          say(
            null,
            `run ${event.runId}: ${event.scenario}${event.type === 'run-resumed' ? ', going on where it was interrupted' : ''}${rtoMs === null ? '' : `, target ${formatDuration(rtoMs)}`}`,
            palette.bold,
          )
          return
        case 'step-began':
          work(event.step, '', event.elapsedMs)
          return
        case 'step-progress':
          work(event.step, event.text, event.elapsedMs)
          return
        case 'step-ended': {
          current.step = null
          line.clear()
          const time = palette.dim(formatDuration(event.elapsedMs).padStart(timeColumns))
          const word = padded(outcomeWord(event.outcome, palette), wordColumns)
          line.say(
            hanging(`${time}  ${word}${palette.bold(event.step)}: `, event.because, line.columns, undefined, timeColumns + 2 + wordColumns),
          )
          return
        }
        case 'run-ended':
          current.step = null
          line.clear()
          // How it ended is the headline of what follows.
          if (event.state === 'paused') say(event.elapsedMs, `paused: ${event.because}`, palette.bold)
      }
    },
  }
}

/** One errand of an agent, from the line that tells it to what it came to. */

import { diskSpaceOf } from './adapters/filesystem/disk-space.ts'
import type { Environment } from './adapters/process/inherited.ts'
import { runLineProgram, type Say } from './adapters/process/line-program.ts'
import type { Conclusion, Rehearsal } from './agent/agent-world.ts'
import type { Look } from './agent/decide.ts'
import { look, recover, rehearse } from './agent/errands.ts'
import { composeSystem, verificationsOf } from './compose-system.ts'
import type { Config } from './config.ts'

export type Errand =
  | { readonly kind: 'look' }
  /** `scratch`: a path for the file that is restored. */
  | { readonly kind: 'rehearse'; readonly scratch: string }
  | { readonly kind: 'execute'; readonly timeline: string | null; readonly detectedAtMs: number; readonly detectedBecause: string }

/** The line that the process is told. */
export interface ErrandOrderLine {
  readonly config: Config
  readonly errand: Errand
}

/** Ends this process. SIGTERM, or the end of stdin, pauses a run after the step that is under way, and ends anything else. */
export function runErrandProgram(environment: Environment): Promise<never> {
  return runLineProgram('stdin', (told, signal, say) => {
    const { config, errand } = told as ErrandOrderLine
    const giveUp = (): never => process.exit(3)
    if (errand.kind !== 'execute') signal.addEventListener('abort', giveUp)
    if (errand.kind !== 'execute' && signal.aborted) giveUp()
    return workOf({ ...config, environment }, errand, signal, say)
  })
}

async function workOf(
  settings: Config & { readonly environment: Environment },
  errand: Errand,
  signal: AbortSignal,
  say: Say,
): Promise<Look | Rehearsal | Conclusion> {
  // A look and a rehearsal never keep the lock of the capture, which may be about to start.
  const { world, access } = await composeSystem(settings, errand.kind === 'execute' ? 'act' : 'look')
  try {
    switch (errand.kind) {
      case 'look':
        return await look(world)
      case 'rehearse':
        return await rehearse(world, {
          scratch: errand.scratch,
          verifications: verificationsOf(settings),
          disk: diskSpaceOf(settings.database),
          limits: settings,
        })
      case 'execute':
        return await recover(world, errand.timeline, { ...errand, onEvent: say, signal })
    }
  } finally {
    access.close()
  }
}

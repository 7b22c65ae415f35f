/** Whose the halt latch is: that of a person is removed by a person, that of a run which ended by the run after it. */
import type { HaltLatch } from '../ports/halt-latch.ts'
import type { Scope } from './runbook.ts'

/**
 * Sets the latch. Only one run is executed at a time, so the latch of another run in this journal is that of one which ended; anybody else's
 * stays theirs. `holder`: by whose name it may be removed later; `gap`: who does not see it, as the end of a sentence, empty where all do.
 */
export async function setLatch(
  latch: HaltLatch,
  { runId, scenario, runs }: Pick<Scope, 'runId' | 'scenario' | 'runs'>,
  setAtMs: number,
): Promise<{ readonly holder: string; readonly gap: string }> {
  const standing = await latch.set({ holder: runId, reason: scenario, setAtMs })
  return { holder: runs.includes(standing.holder) ? standing.holder : runId, gap: standing.gap === undefined ? '' : `; ${standing.gap}` }
}

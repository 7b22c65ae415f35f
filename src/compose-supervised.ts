/** A supervised capture, put together: the process that supervises opens no database. */
import { nodeClock } from './adapters/node/clock.ts'
import { captureProcess } from './adapters/process/capture-process.ts'
import type { Environment } from './adapters/process/inherited.ts'
import { entryPath } from './adapters/sandbox/sandbox.ts'
import { type CaptureSettings, captureSettingsOf } from './compose-capture.ts'
import type { DrainOutcome } from './ports/capture-control.ts'
import type { CaptureEvent } from './replication/capture-event.ts'
import { type LifeLimits, lifeLimits } from './replication/liveness.ts'
import { type SupervisorOptions, superviseCapture } from './replication/supervisor.ts'

export interface SupervisedRequest extends SupervisorOptions {
  readonly onEvent: (event: CaptureEvent) => void
  readonly environment: Environment
  /** Another program than the capture's own, and other limits: for tests. */
  readonly program?: string
  readonly limits?: LifeLimits
}

export function replicateSupervised(settings: CaptureSettings, request: SupervisedRequest): Promise<DrainOutcome | null> {
  const { onEvent, environment, program = entryPath('capture'), limits = lifeLimits } = request
  const told = captureSettingsOf(settings)
  return superviseCapture({ clock: nodeClock, start: captureProcess(program, told, environment), limits, onEvent }, request)
}

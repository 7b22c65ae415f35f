/** Every command, in the order in which the help lists them. */
import type { Command } from './command.ts'
import { accept } from './commands/accept.ts'
import { agent } from './commands/agent.ts'
import { drill } from './commands/drill.ts'
import { execute } from './commands/execute.ts'
import { init } from './commands/init.ts'
import { recover } from './commands/recover.ts'
import { replicate } from './commands/replicate.ts'
import { runbook } from './commands/runbook.ts'
import { runs } from './commands/runs.ts'
import { backupStatus, replicationStatus, status } from './commands/status.ts'
import { resumeTrading, stopTrading } from './commands/trading.ts'
import { validate } from './commands/validate.ts'

export const commands: readonly Command[] = [
  init,
  replicate,
  agent,
  status,
  replicationStatus,
  backupStatus,
  validate,
  recover,
  accept,
  execute,
  drill,
  stopTrading,
  resumeTrading,
  runs,
  runbook,
]

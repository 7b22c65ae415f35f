/** An isolated copy of a system for a drill: its own folder, its own bot, its own capture. Nothing of the real system is touched. */
import type { DamageTarget } from './damage-target.ts'

export interface Sandbox {
  /** Resolves when the bot trades and its database is in the replica. @throws DRILL_FAILED */
  start(): Promise<void>
  /** The database file of the bot, to be damaged. @throws DRILL_FAILED */
  target(): DamageTarget
  /** The bot's own list of what it was told is committed. */
  readWitness(): Promise<string>
  /** Ids of all orders in the database at rest: nobody may have it open. */
  orderIds(): Promise<ReadonlySet<string>>
  /** Ends every process of the drill and removes the folder; `left` names what could not be. Never rejects. Safe to repeat. */
  teardown(): Promise<{ readonly clean: boolean; readonly left: readonly string[] }>
}

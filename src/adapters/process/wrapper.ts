/**
 * The small shell program between us and a bot. It makes three things true that we, who may die at any moment, cannot:
 *
 * 1. It registers itself, with the pid that leads the bot's session, before the bot exists: no crash of ours leaves a bot without a record.
 * 2. It creates the record exclusively: of two starters at the same moment one wins, and the other's bot never begins.
 * 3. It waits for the bot and writes its exit status down.
 */
import { type Environment, inheritedOf } from './inherited.ts'

/** Exit statuses of the wrapper itself, when the bot was not started. */
export const wrapperExit = { registeredByAnother: 111, notRegistered: 112 } as const

/**
 * Arguments: record file, exit file, size of the log in bytes, then the command. The record holds the boot id, the wrapper's own `stat` line
 * and that size: what the log has from there on is of this life.
 * The traps are commands, not '' : signals reach the bot, which has no trap, while the wrapper outlives them to learn how it ended.
 */
export const wrapperProgram = `
record=$1 ended=$2 log=$3
shift 3
set -C
read -r boot </proc/sys/kernel/random/boot_id && read -r stat </proc/$$/stat || exit ${wrapperExit.notRegistered}
true 2>/dev/null >"$record" || exit ${wrapperExit.registeredByAnother}
printf '%s\\n%s\\n%s\\n' "$boot" "$stat" "$log" >|"$record" || exit ${wrapperExit.notRegistered}
trap : TERM INT HUP QUIT USR1 USR2
"$@"
status=$?
printf '%s\\n' "$status" >"$ended"
exit "$status"
`

/** Names the service in the environment of the bot and of all that it starts, so that they are found even without a record. */
export const markerName = 'GENESIS_DR_SERVICE'

export function botEnvironment(ours: Environment, marker: string): Record<string, string> {
  return { ...inheritedOf(ours), [markerName]: marker }
}

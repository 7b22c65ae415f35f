/** The bot as something that is stopped and started, by a service manager or as a plain command. */
export interface Service {
  /** For people: "unit genesis-trading", "command python3 bot.py"; no other arguments: they may hold secrets. */
  readonly description: string
  /** What is not proven of how it is stopped and started here. Absent: nothing is known against it. */
  readonly caveat?: string
  /** What the service manager, or the process table, says now. */
  state(): Promise<ServiceState>
  /**
   * Resolves when the manager says stopped, having used force after `timeoutMs`. This alone proves nothing: ask who has the database open.
   * If we die here: the service may be stopping. Safe to repeat: yes, because stopping what is stopped changes nothing.
   */
  stop(timeoutMs: number): Promise<ServiceState>
  /**
   * Resolves when the manager says running. Safe to repeat: yes, because a running service is left alone.
   * @throws SERVICE_START_FAILED
   */
  start(): Promise<ServiceState>
  /**
   * What it wrote in its present life, or in its last one while it does not run: since it was started, other than by its manager after an end
   * of its own. At most the `count` newest lines. @throws SERVICE_UNKNOWN
   */
  recentLog(count: number): Promise<BotLog>
}

export interface BotLog {
  /** Newest last. */
  readonly lines: readonly LogLine[]
  /** Why what it wrote is not known; null: these are its words. */
  readonly gap: string | null
}

export interface LogLine {
  readonly text: string
  /** When it was written, ms since the epoch, as whoever keeps the log says; null: nobody does. */
  readonly atMs: number | null
}

export interface ServiceState {
  readonly running: 'yes' | 'no' | 'unknown'
  /** Process ids that belong to it. */
  readonly pids: readonly number[]
  /** A sentence: "active (running) since ...", "exited with status 1". */
  readonly because: string
  /** Exit status of the last end, if it is known; a signal is 128 + its number. */
  readonly exitStatus: number | null
  /** How often its manager has started it again after an end of its own, since it was started. Absent: not known. */
  readonly restarts?: number
  /** It runs, and not as it should: more than one of it, say. Absent: nothing is known against it. */
  readonly concern?: string
}

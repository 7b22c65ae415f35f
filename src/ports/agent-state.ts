/** What an agent leaves for whoever looks, and for its own next life. */
export interface AgentState {
  /** null when there is none, or one that cannot be read: then nothing is known. */
  read(): Promise<AgentRecord | null>
  /** Durable when resolved; replaces the former one as a whole. */
  write(record: AgentRecord): Promise<void>
}

export interface AgentRecord {
  /** The agent that wrote it, and when it began: ms since the epoch. */
  readonly pid: number
  readonly startedAtMs: number
  /** Its newest look that came to an end: what was found, and what could not be told. null: none has yet. */
  readonly looked: { readonly atMs: number; readonly found: string; readonly untold: string } | null
  /** A run that it is about to begin, or began last: written before the run is. null: none ever. */
  readonly run: AgentRun | null
}

export interface AgentRun {
  readonly scenario: string
  readonly atMs: number
  /** What was found before it, as in `looked`; empty since a look found nothing any more. */
  readonly found: string
}

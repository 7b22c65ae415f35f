/** Who starts and stops the program that has a database open: units of the service manager, and containers. Looking changes nothing. */

export interface Caretakers {
  /** Units that one of the processes belongs to; where there is none, those that name one of the folders. Our own are left out. */
  units(pids: readonly number[], folders: readonly string[]): Promise<UnitSearch>
  /** Services of container files in one of the folders, or above it, whose volume holds the file. */
  containers(file: string, folders: readonly string[]): Promise<ContainerSearch>
}

export interface UnitSearch {
  /** By name, without `.service`. */
  readonly found: readonly Unit[]
  /** What was looked at, or why nothing can be told. */
  readonly because: string
}

export interface Unit {
  readonly name: string
  /** 'process': it has the database open. 'text': the unit names the folder. */
  readonly by: 'process' | 'text'
}

export interface ContainerSearch {
  readonly found: readonly ContainerService[]
  readonly because: string
}

export interface ContainerService {
  readonly service: string
  /** The file that says so, absolute. */
  readonly file: string
  /** As it is written there: "./data:/bot/data". */
  readonly volume: string
}

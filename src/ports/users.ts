/** Who we are, and who owns what. */

export interface Users {
  self(): Promise<Self>
  /** Name of a user; its number where it has none. */
  userName(uid: number): Promise<string>
  /** Name of a group; its number where it has none. */
  groupName(gid: number): Promise<string>
  /** Whether we may follow the database at this path, which exists: read and write it and its folder, and leave it usable for its bot. */
  writeAccess(database: string): Promise<WriteAccess>
  /** The first folder on the way to a file that another user may not enter, by its owner, group and mode alone; null: he may enter each. */
  closedTo(path: string, user: { readonly uid: number; readonly gid: number }): Promise<string | null>
}

export interface Self {
  readonly uid: number
  readonly name: string
  /** Numbers of all groups. */
  readonly groups: readonly number[]
}

export type WriteAccess =
  | { readonly may: true }
  | {
      readonly may: false
      readonly because: string
      /** Who may. */
      readonly instead: string
      /** What lets this user in; empty where nothing should. */
      readonly commands: readonly string[]
    }

/** Who we are, and who owns what. */

export interface Users {
  self(): Promise<Self>
  /** Name of a user; its number where it has none. */
  userName(uid: number): Promise<string>
  /** Name of a group; its number where it has none. */
  groupName(gid: number): Promise<string>
  /** By the system itself, so that access lists and read-only mounts count. A folder: whether files can be made in it. */
  mayWrite(path: string): Promise<boolean>
  /** The first folder on the way to a file that another user may not enter, by its owner, group and mode alone; null: he may enter each. */
  closedTo(path: string, user: { readonly uid: number; readonly gid: number }): Promise<string | null>
}

export interface Self {
  readonly uid: number
  readonly name: string
  /** Of the group that what it makes belongs to. */
  readonly gid: number
  /** Numbers of all groups, this one included. */
  readonly groups: readonly number[]
}

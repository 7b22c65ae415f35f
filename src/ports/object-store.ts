/**
 * Where a replica lives. Keys are relative, with `/` between parts; a store knows nothing of what is in an object.
 * Every method may throw STORE_UNAVAILABLE (retry) or DISK_FULL; an object is never visible half written.
 */
export interface ObjectStore {
  /** As the user gave it, without secrets: `file:/var/replica`. */
  readonly url: string
  /** Keys are named differently in a folder and in a bucket. */
  readonly layout: 'folder' | 'bucket'
  readonly capabilities: StoreCapabilities
  /** Objects whose key starts with `prefix` (a folder prefix ends with `/`), sorted by key. Nothing there: an empty array. */
  list(prefix: string): Promise<readonly StoredObject[]>
  /** Names of the folders directly below `prefix` (which is empty or ends with `/`), sorted. */
  folders(prefix: string): Promise<readonly string[]>
  /** @throws OBJECT_MISSING */
  open(key: string): Promise<OpenObject>
  /**
   * Resolves 'created' when the object is durable under its key, or 'exists' when one was there before; that one is left as it is.
   * If we die here: either nothing or the whole object is visible. Safe to repeat: yes, because of 'exists'.
   * `timestampMs` (ms since the epoch) is kept as the object's own time.
   */
  create(key: string, body: ObjectBody, timestampMs: number): Promise<'created' | 'exists'>
  /** As `create`, with the bytes and the time of an object that is in this store already; shares its storage where the store can. */
  link(from: string, to: string): Promise<'created' | 'exists'>
  /**
   * Resolves when new objects can be created now, by making one of some size and removing it. If we die here: one may stay that no list shows.
   * @throws also IO_FAILED
   */
  requireWritable(): Promise<void>
}

export type ObjectBody = Uint8Array | AsyncIterable<Uint8Array>

export interface StoreCapabilities {
  readonly conditionalCreate: boolean
  /** How `link` works; 'none' makes it throw. */
  readonly link: 'hard-link' | 'copy' | 'none'
  /** Device number of the file system that holds the store, null where there is none. */
  readonly device: number | null
}

export interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
  /** The object's own time: ms since the epoch. */
  readonly timestampMs: number
}

export interface OpenObject {
  readonly sizeBytes: number
  /** Fills `into` from byte `offset`; returns how many bytes were there (fewer only at the end). */
  read(offset: number, into: Uint8Array): Promise<number>
  close(): Promise<void>
}

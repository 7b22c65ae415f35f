/** When a restore was last proven, so that it can be shown with its age. */
export interface VerificationLog {
  /** null when none ever was. */
  read(): Promise<Verification | null>
  /** Durable when resolved; replaces the former. */
  write(verification: Verification): Promise<void>
}

export interface Verification {
  /** URL. */
  readonly replica: string
  readonly timeline: string | null
  readonly txid: number
  readonly atMs: number
  readonly passed: boolean
  /** How long restore and checks took, ms. */
  readonly durationMs: number
}

/** A cryptographic hash, for chains and fingerprints. */
export interface Hash {
  /** Lower-case hex of SHA-256 over the UTF-8 of `text`. */
  sha256(text: string): string
}

/** A word of a shell line. Pure. */

/** As it is where a shell reads it so, otherwise in quotes. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

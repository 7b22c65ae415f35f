/** Words of a shell line and of a unit file. Pure. */

/** As it is where a shell reads it so, otherwise in quotes. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** A word of `ExecStart=`: systemd.service(5), "Command lines", and systemd.unit(5), "Specifiers", read 2026-11-26. */
export function unitWord(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@%+=:,./$-]+$/.test(plain) ? plain : `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

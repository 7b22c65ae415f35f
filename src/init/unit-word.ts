/** A word of `ExecStart=`: systemd.service(5), "Command lines", and systemd.unit(5), "Specifiers", read 2026-11-26. Pure. */
export function unitWord(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@%+=:,./$-]+$/.test(plain) ? plain : `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

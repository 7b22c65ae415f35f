/**
 * SQLite's WAL-reset bug: a checkpoint that races another one and a commit may lose what was committed. In 3.7.0 to 3.51.2; mended in 3.51.3,
 * and in 3.44.6 and 3.50.7 of older lines (sqlite.org/changes.html, read 2026-11-23). Pure.
 */

export function hasWalResetBug(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  if (major !== 3 || minor < 7 || minor > 51) return false
  if (minor === 44) return patch < 6
  if (minor === 50) return patch < 7
  return minor < 51 || patch <= 2
}

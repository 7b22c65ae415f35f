/** What tests of hosts and processes need beyond `test/needs.ts`. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Need } from '../needs.ts'

function works(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore', timeout: 10_000 })
    return true
  } catch (error) {
    // Absent, or not permitted here: both mean that the test cannot use it.
    return error === undefined
  }
}

const thisFile = fileURLToPath(import.meta.url)
const isRoot = process.getuid?.() === 0
export const systemdBinary = ['/lib/systemd/systemd', '/usr/lib/systemd/systemd'].find((path) => existsSync(path)) ?? null

export const root: Need = { what: 'root', found: isRoot ? 'root' : null, how: 'run as root' }
export const setpriv: Need = {
  what: 'root, who may become another user',
  found: isRoot && works('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'test', '-r', thisFile) ? 'setpriv' : null,
  how: 'run as root with util-linux, in a clone that other users may read',
}
export const unshare: Need = {
  what: 'root, who may make mount namespaces',
  found: isRoot && works('unshare', '--mount', 'true') ? 'unshare' : null,
  how: 'run as root on Linux, outside an unprivileged container',
}
export const loopDevice: Need = {
  what: 'root, a free loop device and e2fsprogs',
  found: isRoot && works('losetup', '-f') && works('mkfs.ext4', '-V') && works('filefrag', '-V') ? 'losetup' : null,
  how: 'run as root on Linux with e2fsprogs, outside an unprivileged container',
  rare: true,
}
export const systemd: Need = {
  what: 'root, namespaces and the systemd binary',
  found: isRoot && works('unshare', '--mount', '--pid', '--fork', '--cgroup', '--uts', '--ipc', 'true') ? systemdBinary : null,
  how: 'install systemd and run as root, outside an unprivileged container',
}
export const docker: Need = {
  what: 'root, namespaces, dockerd, and docker with its compose plugin',
  found: unshare.found !== null && works('dockerd', '--version') && works('docker', 'compose', 'version') ? 'dockerd' : null,
  how: 'install docker.io and the compose plugin, and run as root',
  rare: true,
}

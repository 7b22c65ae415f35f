/** A docker of our own, in folders of its own and without a network, with one image that holds a shell. It dies with one process, by its pid. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Run, runCommand } from '../../src/adapters/process/run-command.ts'

export const botImage = 'genesis-dr-test-shell'

export interface DockerHost {
  readonly run: Run
  /** All containers and the daemon are gone when this resolves, and their folder too. */
  end(): Promise<void>
}

const bootMs = 30_000

export async function startDockerHost(): Promise<DockerHost> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'docker-host-')))
  const socket = `unix://${join(folder, 'docker.sock')}`
  const places = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid')]
  const alone = ['--bridge=none', '--iptables=false', '--ip-masq=false', '--ip-forward=false', '--storage-driver=vfs']
  // In a mount namespace of its own, so that no mount of it outlives it.
  const daemon = spawn('unshare', ['--mount', 'dockerd', '--host', socket, ...places, ...alone], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  daemon.stderr.on('data', (data: Buffer) => {
    said += data.toString()
  })
  const run: Run = (command, args, timeoutMs) => runCommand('env', [`DOCKER_HOST=${socket}`, command, ...args], timeoutMs)
  const end = async (): Promise<void> => {
    await run('sh', ['-c', 'docker ps --all --quiet | xargs --no-run-if-empty docker rm --force'], bootMs)
    await ended(daemon)
    rmSync(folder, { recursive: true, force: true })
  }
  const from = performance.now()
  while ((await run('docker', ['version'], 5000)).status !== 0) {
    if (daemon.exitCode !== null || performance.now() - from > bootMs) {
      await end()
      throw new Error(`dockerd did not begin: ${said}`)
    }
    await pause(50)
  }
  const imported = await run('docker', ['import', shellArchive(folder), botImage], bootMs)
  if (imported.status !== 0) throw new Error(`the image could not be made: ${imported.stderr}`)
  return { run, end }
}

async function ended(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return
  daemon.kill('SIGTERM')
  await once(daemon, 'exit')
}

/** A file system with the shell of this machine and what it loads. */
function shellArchive(folder: string): string {
  const root = join(folder, 'root')
  for (const program of ['/bin/sh', '/bin/sleep']) {
    const loaded = execFileSync('ldd', [realpathSync(program)], { encoding: 'utf8' }).match(/\/\S+/g) ?? []
    for (const path of [program, ...loaded]) {
      mkdirSync(join(root, dirname(path)), { recursive: true })
      cpSync(realpathSync(path), join(root, path))
    }
  }
  mkdirSync(join(root, 'tmp'))
  const archive = join(folder, 'root.tar')
  execFileSync('tar', ['-C', root, '-cf', archive, '.'])
  return archive
}

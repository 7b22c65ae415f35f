/** A throw-away host with a real systemd as its first process. Everything in it dies with one process, which is killed by its pid. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, realpathSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { listPids, readProcess } from '../../src/adapters/proc/process-table.ts'
import { type Run, runCommand } from '../../src/adapters/process/run-command.ts'
import { systemdBinary } from './needs.ts'

export interface SystemdHost {
  /** The same folder with the same path on both sides; everything else that the host writes is its own, in memory. */
  readonly folder: string
  /** Runs a program on the host. */
  readonly run: Run
  /** Runs a shell program on the host and returns what it printed. Throws when it fails. */
  shell(program: string): Promise<string>
  /** Installs a unit file, or a drop-in `name.service.d/x.conf`, and makes systemd read it. */
  install(name: string, text: string): Promise<void>
  /** The whole host is gone when this resolves, as by a power failure, and its folder too. */
  end(): Promise<void>
}

const bootMs = 30_000
const program = fileURLToPath(new URL('./host-init.sh', import.meta.url))

export async function startSystemdHost(): Promise<SystemdHost> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'systemd-host-')))
  const namespaces = ['--mount', '--pid', '--fork', '--cgroup', '--uts', '--ipc', '--kill-child']
  const outer = spawn('unshare', [...namespaces, 'bash', program, folder, systemdBinary ?? 'systemd'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  outer.stderr.on('data', (data: Buffer) => {
    said += data.toString()
  })
  const run: Run = (command, args, timeoutMs) => {
    const init = initOf(outer)
    if (init === null) return Promise.resolve({ status: null, stdout: '', stderr: 'the host is down' })
    return runCommand('nsenter', ['-t', String(init), '-a', command, ...args], timeoutMs)
  }
  const end = async (): Promise<void> => {
    if (outer.exitCode === null && outer.signalCode === null) {
      outer.kill('SIGKILL')
      await once(outer, 'exit')
    }
    // The mount below it lived in the namespace of the host, so here it is an empty folder.
    rmdirSync(join(folder, '.overlay'))
    rmSync(folder, { recursive: true })
  }
  const shell = async (text: string): Promise<string> => {
    const { status, stdout, stderr } = await run('sh', ['-c', text], 30_000)
    if (status !== 0) throw new Error(`${text}: ended with ${status}: ${stderr}`)
    return stdout
  }
  const install = async (name: string, text: string): Promise<void> => {
    const quoted = Buffer.from(text).toString('base64')
    await shell(`f=/etc/systemd/system/${name}; mkdir -p "$(dirname $f)" && echo ${quoted} | base64 -d >$f && systemctl daemon-reload`)
  }
  const from = performance.now()
  for (;;) {
    const { stdout } = await run('systemctl', ['is-system-running'], 5000)
    if (/running|degraded/.test(stdout)) return { folder, run, shell, install, end }
    if (outer.exitCode !== null || performance.now() - from > bootMs) {
      await end()
      throw new Error(`the host did not boot: ${said}`)
    }
    await pause(50)
  }
}

/** The only child of `unshare` is process 1 of the host; it counts once it has become systemd. */
function initOf(outer: ChildProcess): number | null {
  const pid = listPids().find((candidate) => readProcess(candidate)?.parentPid === outer.pid)
  if (pid === undefined) return null
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'systemd' ? pid : null
}

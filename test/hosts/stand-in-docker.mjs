#!/usr/bin/env node
/**
 * Stands in for docker where none runs: prints what Docker 20.10.24 with Compose 2 printed when it was recorded, and keeps a state file. Its
 * "containers" are sessions of real processes. Started as: stand-in-docker.mjs FOLDER then the words of docker.
 */
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const [folder, ...words] = process.argv.slice(2)
const never = '0001-01-01T00:00:00Z'
// As the recorded one: nanoseconds, and the clock of the daemon.
const now = () => new Date().toISOString().replace('Z', '000000Z')
const paths = (id) => ({ state: join(folder, `${id}.json`), log: join(folder, `${id}.log`), stopping: join(folder, `${id}.stopping`) })
const read = (id) => JSON.parse(readFileSync(paths(id).state, 'utf8'))
const write = (container) => {
  const { state } = paths(container.id)
  writeFileSync(`${state}.${process.pid}`, JSON.stringify(container))
  renameSync(`${state}.${process.pid}`, state)
}
const change = (id, over) => write({ ...read(id), ...over })

/** Pids of the session that a container is. */
function members({ session }) {
  if (session === 0) return []
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1).split(' ')
      return Number(fields[3]) === session && fields[0] !== 'Z'
    } catch (error) {
      if (['ENOENT', 'ESRCH'].includes(error.code)) return false
      throw error
    }
  })
}

const kill = (container, signal) => {
  for (const pid of members(container)) {
    try {
      process.kill(Number(pid), signal)
    } catch (error) {
      if (error.code !== 'ESRCH') throw error
    }
  }
}

const fail = (status, text) => {
  process.stderr.write(`${text}\n`)
  process.exit(status)
}

/** The daemon of one container: runs it, keeps its log with times, notes its end, and does as its restart policy says. */
async function supervise(id) {
  for (;;) {
    const { command, policy } = read(id)
    const child = spawn(command[0], command.slice(1), { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => appendFileSync(paths(id).log, `${now()} ${line}\n`))
    }
    change(id, { status: 'running', session: child.pid, startedAt: now(), exitCode: 0 })
    const status = await new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143))))
    const ended = read(id)
    // The first process of a container takes all others with it.
    kill(ended, 'SIGKILL')
    change(id, { session: 0, exitCode: status, finishedAt: now(), status: 'exited' })
    if (policy !== 'always' || existsSync(paths(id).stopping)) return
    change(id, { status: 'restarting', restarts: ended.restarts + 1 })
    await pause(100)
    if (existsSync(paths(id).stopping)) return change(id, { status: 'exited' })
  }
}

async function until(done) {
  while (!done()) await pause(10)
}

const option = (name) => words[words.indexOf(name) + 1]

if (words[0] === 'supervise') await supervise(words[1])
else if (words[0] === 'info') process.stdout.write(`${release()}\n`)
else if (words[0] === 'inspect') {
  const shown = words.slice(3).map((id) => {
    const { status, exitCode, startedAt, finishedAt, restarts, policy, session } = read(id)
    const flags = { Running: status === 'running', Paused: false, Restarting: status === 'restarting', OOMKilled: false, Dead: false }
    const times = { StartedAt: startedAt, FinishedAt: finishedAt }
    return {
      Id: id,
      Created: startedAt,
      State: { Status: status, ...flags, Pid: session, ExitCode: exitCode, Error: '', ...times },
      RestartCount: restarts,
      HostConfig: { RestartPolicy: { Name: policy, MaximumRetryCount: 0 } },
    }
  })
  process.stdout.write(`${JSON.stringify(shown, null, 4)}\n`)
} else if (words[0] === 'top') {
  const container = read(words[1])
  if (container.status !== 'running') fail(1, `Error response from daemon: Container ${words[1]} is not running`)
  process.stdout.write(`PID\n${members(container).join('\n')}\n`)
} else if (words[0] === 'compose') await compose(words.slice(3))
else fail(1, `docker: '${words[0]}' is not a docker command.`)

async function compose([verb, ...rest]) {
  const place = words[1] === '--file' ? words[2] : join(words[2], 'compose.yaml')
  if (!existsSync(place))
    fail(14, words[1] === '--file' ? `open ${place}: no such file or directory` : 'no configuration file provided: not found')
  const { services } = JSON.parse(readFileSync(place, 'utf8'))
  const name = rest.at(-1)
  const service = services[name]
  if (service === undefined) fail(1, `no such service: ${name}`)
  const id = Buffer.from(`${dirname(place)}/${name}`)
    .toString('hex')
    .padStart(64, '0')
    .slice(-64)
  const known = existsSync(paths(id).state)
  if (verb === 'ps') {
    if (!known) return
    const { status, exitCode } = read(id)
    const line = {
      Command: '"/bin/sh -c"',
      ExitCode: exitCode,
      Health: '',
      ID: id.slice(0, 12),
      Name: `project-${name}-1`,
      Project: 'project',
    }
    process.stdout.write(`${JSON.stringify({ ...line, ID: id, Publishers: null, Service: name, State: status, Status: status })}\n`)
  } else if (verb === 'up') {
    const fresh = { id, status: 'created', session: 0, exitCode: 0, startedAt: never, finishedAt: never }
    const before = known ? read(id) : fresh
    write({ ...before, command: service.command.map((word) => word.replaceAll('$$', '$')), policy: service.restart ?? 'no', restarts: 0 })
    rmSync(paths(id).stopping, { force: true })
    const started = before.startedAt
    const log = openSync(join(folder, 'supervisor.log'), 'a')
    spawn(process.execPath, [process.argv[1], folder, 'supervise', id], { detached: true, stdio: ['ignore', log, log] }).unref()
    await until(() => read(id).startedAt !== started)
    process.stderr.write(` Container project-${name}-1  Started\n`)
  } else if (verb === 'stop' || verb === 'kill') {
    if (!known) return
    writeFileSync(paths(id).stopping, '')
    const deadline = Date.now() + (verb === 'stop' ? Number(option('--timeout')) * 1000 : 0)
    const main = read(id).session
    if (main !== 0 && verb === 'stop') process.kill(main, 'SIGTERM')
    while (read(id).status !== 'exited' && Date.now() < deadline) await pause(10)
    kill(read(id), 'SIGKILL')
    await until(() => read(id).status === 'exited')
  } else if (verb === 'logs') {
    const since = Date.parse(option('--since'))
    const lines = existsSync(paths(id).log) ? readFileSync(paths(id).log, 'utf8').trim().split('\n') : []
    const kept = lines.filter((line) => line !== '' && Date.parse(line.split(' ')[0]) >= since)
    process.stdout.write(
      kept
        .slice(-Number(option('--tail')))
        .map((line) => `${line}\n`)
        .join(''),
    )
  } else fail(1, `unknown docker command: "compose ${verb}"`)
}

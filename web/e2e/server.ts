import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'

export const tempDir = path.join(import.meta.dirname, 'tmp')
const serverBinary = path.join(tempDir, 'labledger')

/** buildServer builds the server with the app in dist/ embedded. */
export function buildServer() {
  mkdirSync(tempDir, { recursive: true })
  const { status } = spawnSync('go', ['build', '-o', serverBinary, '.'], {
    cwd: path.join(import.meta.dirname, '..', '..'),
    stdio: 'inherit',
    timeout: 10 * 60_000,
  })
  if (status !== 0) throw new Error('the build of the server failed')
}

/** findFreePort returns a free TCP port. */
export async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port found')
  return address.port
}

/** Server runs the real program with an embedded Postgres and the mock data in its own directory. */
export class Server {
  readonly url: string
  private readonly env: NodeJS.ProcessEnv
  private process: ChildProcess | undefined
  private log = ''

  constructor(name: string, port: number, auth: 'open' | 'required', settings: NodeJS.ProcessEnv = {}) {
    this.url = `http://127.0.0.1:${port}`
    // The path is short, because socket paths are limited to 107 bytes. It is outside the repository, because root
    // starts Postgres as another user.
    const stateDir = path.join('/tmp', `labledger-e2e-${process.env.LABLEDGER_E2E ?? process.pid}-${name}`)
    this.env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      STATE_DIR: stateDir,
      PORT: String(port),
      AUTH: auth,
      LOG_LEVEL: 'warn',
      ...settings,
    }
  }

  /** start starts the server and waits until it is ready. */
  async start() {
    const child = spawn(serverBinary, [], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.process = child
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => (this.log = (this.log + text.toString()).slice(-8000)))
    const deadline = Date.now() + 60_000
    while (!(await this.isReady())) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the server did not start:\n${this.log}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  private async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2000) })).ok
    } catch {
      return false
    }
  }

  /** stop sends SIGINT, and SIGKILL if the server does not exit within 20 s. */
  async stop() {
    const child = this.process
    this.process = undefined
    if (!child || child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGINT')
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
    await exited
    clearTimeout(timer)
  }

  /** run runs a labledger command with the environment of the server, as an operator would. */
  run(args: string[], input: string) {
    const { status, stdout, stderr } = spawnSync(serverBinary, args, {
      env: this.env,
      input,
      encoding: 'utf8',
      timeout: 60_000,
    })
    if (status !== 0) throw new Error(`labledger ${args.join(' ')} failed: ${stdout}${stderr}`)
  }

  /** removeState deletes the state directory. */
  removeState() {
    rmSync(this.env.STATE_DIR ?? '/nonexistent', { recursive: true, force: true })
  }
}

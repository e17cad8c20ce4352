import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import path from 'node:path'
import type { Usage } from './measure.ts'
import type { Answer, Question, Ready, Start } from './servers/server.ts'

/** A server in a process of its own, as the parent sees it. */
export interface ServerProcess {
  readonly ready: Ready
  usage(): Promise<Usage>
  /** after a collection of all garbage */
  memory(): Promise<NodeJS.MemoryUsage>
  stop(): Promise<void>
}

/** How the Dockerfile starts Node. */
export const AS_DEPLOYED = ['--max-semi-space-size=8']

/** @param profileFolder where the process leaves its CPU profile when it stops; absent: it makes none */
export async function startProcess(question: Omit<Start, 'ask'>, profileFolder?: string): Promise<ServerProcess> {
  const child = fork(path.join(import.meta.dirname, 'child.ts'), {
    execArgv: [
      ...(question.server === 'dwar' ? AS_DEPLOYED : []),
      ...(profileFolder ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`] : []),
    ],
    // Its log goes nowhere, but it is written; what it says of failures is kept for the error.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-4000)
  })
  const ask = (asked: Question) => askChild(child, asked, () => said)
  try {
    const answer = await ask({ ask: 'start', ...question } as Start)
    if (!('ready' in answer)) throw unexpected(question.server, answer)
    return {
      ready: answer.ready,
      usage: async () => {
        const told = await ask({ ask: 'usage' })
        if ('usage' in told) return told.usage
        throw unexpected(question.server, told)
      },
      memory: async () => {
        const told = await ask({ ask: 'memory' })
        if ('memory' in told) return told.memory
        throw unexpected(question.server, told)
      },
      stop: async () => {
        const ended = once(child, 'exit')
        await ask({ ask: 'stop' })
        await ended
      },
    }
  } catch (error) {
    child.kill()
    throw error
  }
}

async function askChild(child: ChildProcess, question: Question, said: () => string): Promise<Answer> {
  const waiting = new AbortController()
  const answered = once(child, 'message', { signal: waiting.signal }).then(([answer]) => answer as Answer)
  const ended = once(child, 'exit', { signal: waiting.signal }).then(([code]) => {
    throw new Error(`a server of the benchmark ended (${code}):\n${said()}`)
  })
  child.send(question)
  try {
    return await Promise.race([answered, ended])
  } finally {
    waiting.abort()
    await Promise.allSettled([answered, ended])
  }
}

function unexpected(server: string, answer: Answer): Error {
  return new Error(`${server}: ${'failed' in answer ? answer.failed : 'an answer to another question'}`)
}

/** A port that was free a moment ago: an issuer must know its own URL before it listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return address.port
}

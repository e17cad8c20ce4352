import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Answer, BenchServer, Question, Start } from './servers/server.ts'

/** The program of a server's process: starts what the parent asks for and answers its questions until told to stop. */
function main(): void {
  let server: BenchServer | undefined
  const answer = async (question: Question): Promise<Answer> => {
    if (question.ask === 'usage') return { usage: usageOf(server) }
    if (question.ask === 'memory') return { memory: memoryInUse() }
    if (question.ask === 'start') {
      server = await start(question)
      return { ready: server.ready }
    }
    await server?.close()
    return { stopped: true }
  }
  const reply = async (question: Question) => {
    const said = await answer(question).catch((error: unknown) => ({ failed: textOf(error) }))
    process.send?.(said, () => 'stopped' in said && process.disconnect())
  }
  process.on('message', (question: Question) => void reply(question))
  process.on('disconnect', () => process.exit()) // however the parent went
}

/** Each process loads its own server alone: code of the others would count as its memory. */
async function start(question: Start): Promise<BenchServer> {
  if (question.server === 'bare') return (await import('./servers/bare.ts')).startBare(question.settings)
  if (question.server === 'dwar') return (await import('./servers/dwar.ts')).startDwar(question.settings)
  return (await import('./servers/simulator.ts')).startUpstream(question.settings)
}

function usageOf(server: BenchServer | undefined) {
  const { user, system } = process.cpuUsage()
  return {
    cpuMs: (user + system) / 1000,
    rssBytes: process.memoryUsage.rss(),
    ...(server?.statements && { statements: server.statements() }),
  }
}

/** What is left once all garbage is collected. */
function memoryInUse(): NodeJS.MemoryUsage {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage()
}

const textOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error))

if (import.meta.main) main()

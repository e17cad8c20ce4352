import { runSimulator } from './program.ts'

// a wrong option, a file that cannot be read, a port in use are the caller's to mend: the message says it, a stack would not
try {
  const simulator = await runSimulator(process.argv.slice(2), process.env, (line) => process.stdout.write(`${line}\n`))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator?.close())
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseEnv } from 'node:util'
import { AppError } from '../errors.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** Every fault of a configuration at once, one line each. Names variables, never their values. */
export class ConfigError extends AppError {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(
      'CONFIG_INVALID',
      `The configuration has ${faults.length} fault(s):\n${faults.map((f) => `  - ${f}`).join('\n')}`,
    )
    this.faults = faults
  }
}

/**
 * Adds the `.env` files of the environment named by `DWAR_ENV` to what the process was given:
 * `.env.<environment>` first, then `.env`. What the process was given always wins.
 */
export function withEnvFiles(env: Env, folder: string): Env {
  const files = [...(env.DWAR_ENV ? [`.env.${env.DWAR_ENV}`] : []), '.env']
  const merged: Record<string, string | undefined> = {}
  for (const file of files.toReversed()) {
    const at = path.join(folder, file)
    if (existsSync(at)) Object.assign(merged, parseEnv(readFileSync(at, 'utf8')))
  }
  return { ...merged, ...env }
}

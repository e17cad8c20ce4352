import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import type { Env } from './env.ts'
import { httpUrl, wholeNumber } from './forms.ts'

/** Settings of the signing keys. Spread into the one table of `config.ts`. */
export const keyVariables = {
  DWAR_KEY_ROTATE_DAYS: wholeNumber(1, 3650)
    .default(90)
    .describe('Days that a signing key signs before the next one takes its place. `dwar keys rotate` does it by hand.'),
  DWAR_KEY_LEAD_SECONDS: wholeNumber(6, 30 * 86_400)
    .default(86_400)
    .describe(
      'How long a signing key is published before it signs: longer than relying apps keep our keys. The `max-age` of `/jwks` is half of it, 300 at most.',
    ),
  DWAR_KEY_HOLDER: z
    .enum(['sealed', 'file', 'transit'])
    .default('sealed')
    .describe(
      'Who holds the signing keys that are made from now on: the database (sealed), a file of yours, or a key management service with the HTTP interface of HashiCorp Vault’s transit engine.',
    ),
  DWAR_SIGNING_KEY_FILE: z
    .string()
    .optional()
    .describe('`file`: a JWK Set or PEM blocks with a key each of RSA, P-256 and Ed25519; append to it to rotate.'),
  DWAR_TRANSIT_URL: httpUrl.optional().describe('`transit`: address of the service; https, or http on this machine.'),
  DWAR_TRANSIT_TOKEN_FILE: z
    .string()
    .optional()
    .describe('`transit`: a file that holds the service’s token; read for every call, so that an agent can renew it.'),
  DWAR_TRANSIT_MOUNT: z
    .string()
    .regex(/^[\w-]+(\/[\w-]+)*$/, 'must be a path of letters, digits, hyphens and underscores')
    .default('transit')
    .describe('`transit`: path of the secrets engine.'),
  DWAR_TRANSIT_PREFIX: z
    .string()
    .regex(/^[\w-]{1,40}$/, 'must be letters, digits, hyphens and underscores')
    .default('dwar')
    .describe('`transit`: how the names of our keys begin; the policy needs `keys/<prefix>-*` and `sign/<prefix>-*`.'),
  DWAR_TRANSIT_TIMEOUT_MS: wholeNumber(100, 30_000)
    .default(2000)
    .describe('`transit`: how long one call may take; a call that fails is made once more within it.'),
} satisfies Record<string, z.ZodType>

const shape = z.object(keyVariables)
type KeyVariables = z.infer<typeof shape>

export interface KeyConfig {
  readonly schedule: { readonly rotateEverySeconds: number; readonly leadSeconds: number }
  readonly holder: KeyVariables['DWAR_KEY_HOLDER']
  readonly file: string | undefined
  readonly transit: TransitConfig | undefined
}

export interface TransitConfig {
  readonly url: URL
  readonly mount: string
  readonly prefix: string
  readonly timeoutMs: number
  /** @throws AppError CONFIG_INVALID when the file cannot be read */
  readonly token: () => string
}

export function toKeyConfig(read: KeyVariables): KeyConfig {
  const { DWAR_TRANSIT_URL: url, DWAR_TRANSIT_TOKEN_FILE: tokenFile } = read
  return {
    schedule: {
      rotateEverySeconds: read.DWAR_KEY_ROTATE_DAYS * 86_400,
      leadSeconds: read.DWAR_KEY_LEAD_SECONDS,
    },
    holder: read.DWAR_KEY_HOLDER,
    file: read.DWAR_SIGNING_KEY_FILE,
    transit:
      url && tokenFile
        ? {
            url,
            mount: read.DWAR_TRANSIT_MOUNT,
            prefix: read.DWAR_TRANSIT_PREFIX,
            timeoutMs: read.DWAR_TRANSIT_TIMEOUT_MS,
            token: () => readToken(tokenFile),
          }
        : undefined,
  }
}

/** What does not go together, wherever it runs. */
export function keyFaults(given: Env): string[] {
  const faults: string[] = []
  const { DWAR_KEY_HOLDER: holder, DWAR_TRANSIT_URL: url } = given
  const need = (name: string) => {
    if (!given[name]) faults.push(`${name} is missing: DWAR_KEY_HOLDER is ${holder}`)
  }
  if (holder === 'file') need('DWAR_SIGNING_KEY_FILE')
  if (holder === 'transit') for (const name of ['DWAR_TRANSIT_URL', 'DWAR_TRANSIT_TOKEN_FILE']) need(name)
  const at = URL.parse(url ?? '')
  if (at?.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(at.hostname))
    faults.push('DWAR_TRANSIT_URL must be https, but for this very machine: the token would travel in clear')
  return faults
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', 'DWAR_TRANSIT_TOKEN_FILE cannot be read', { cause })
  }
}

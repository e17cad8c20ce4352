import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { generate } from '../../docs/generate.ts'
import { readConfig, variables } from '../../src/config/config.ts'
import { ConfigError } from '../../src/config/env.ts'
import { refusals } from '../../src/web/refusals.ts'

const root = path.resolve(import.meta.dirname, '../..')
const generated = generate()
const textOf = (file: string): string => generated.get(file) ?? ''

describe('generated documents', () => {
  it.each([...generated.keys()])('%s is what docs/generate.ts makes of the code of today', (file) => {
    expect(readFileSync(path.join(root, file), 'utf8')).toBe(generated.get(file))
  })

  it('tell of every setting and every code, with sentences', () => {
    for (const name of Object.keys(variables.shape)) {
      expect(textOf('docs/configuration.md')).toMatch(new RegExp(`^\\| \`${name}\` \\|.*[a-z]{3,}.* \\|$`, 'm'))
      expect(textOf('.env.example')).toMatch(new RegExp(`^(# )?${name}=`, 'm'))
    }
    for (const code of Object.keys(refusals))
      expect(textOf('docs/errors.md')).toMatch(new RegExp(`^\\| \`${code}\` \\|(?: [^|]+ \\|){6}$`, 'm'))
  })
})

describe('.env.example', () => {
  const file = textOf('.env.example')

  it('asks, as it stands, for exactly what is required', () => {
    expect(faultsOf(parseEnv(file))).toEqual(
      ['DWAR_ISSUER', 'DWAR_VAULT_KEYS', 'DWAR_INDEX_SECRET', 'DWAR_COOKIE_KEYS', 'DIGILOCKER_CLIENT_ID'].map(
        (name) => `${name} is missing`,
      ),
    )
  })

  it('shows defaults that are the defaults: switched on, they change nothing', () => {
    const required = {
      DWAR_ISSUER: 'https://id.example.in',
      DWAR_VAULT_KEYS: 'k1:x',
      DWAR_INDEX_SECRET: 'i'.repeat(32),
      DWAR_COOKIE_KEYS: 'c'.repeat(32),
      DIGILOCKER_CLIENT_ID: 'ABCDEFGH',
    }
    const switchedOn = parseEnv(file.replace(/^# (?=[A-Z_]+=)/gm, ''))
    expect(readConfig({ ...switchedOn, ...required })).toEqual(readConfig(required))
  })
})

function faultsOf(env: NodeJS.Dict<string>): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

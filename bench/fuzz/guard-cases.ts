import { createPrivateKey } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { deserialize, serialize } from 'node:v8'
import type { CheckId } from '../../src/documents/checks.ts'
import { PROFILES } from '../../src/documents/profiles.ts'
import { type TrustSnapshot, TrustStore } from '../../src/documents/trust/trust.ts'
import { BENIGN } from '../../test/documents/corpus/benign.ts'
import { HOSTILE } from '../../test/documents/corpus/hostile/index.ts'
import { bytesOf, judge, judgeAgain, type Outcome } from '../../test/documents/corpus/judge.ts'
import { NOW, type World } from '../../test/documents/corpus/world.ts'

/** A document with all that is needed to judge it in another process. */
interface Frozen {
  readonly name: string
  readonly bytes: Uint8Array
  readonly profile: keyof typeof PROFILES
  readonly trust: TrustSnapshot
  readonly at: number
  /** what the untouched verifier says: the strict one, both, and the second one alone */
  readonly strict: string
  readonly both: string
  readonly second: string
}
/** PKCS #1 PEM of the usual signer's key, for the second reader */
interface Frost {
  readonly key: string
  readonly cases: readonly Frozen[]
}

/** Writes the corpus down, hostile and benign, with what is said of it now. */
export async function freeze(world: World, file: string): Promise<void> {
  const cases: Frozen[] = []
  for (const { name, make, profile = PROFILES.digilocker, trust, at = NOW } of [...HOSTILE, ...BENIGN]) {
    const store = trust?.(world) ?? world.trust
    if (!(store instanceof TrustStore)) throw new Error(`${name}: trust of an unknown kind`)
    const bytes = bytesOf(make(world))
    const question = { profile, trust: store, at }
    cases.push({
      name,
      bytes,
      profile: keyOf(profile),
      trust: store.snapshot,
      at,
      strict: said(await judge(bytes, { ...question, crossCheck: false })),
      both: said(await judge(bytes, question)),
      second: said(judgeAgain(bytes, world, { profile })),
    })
  }
  cases.sort((a, b) => a.bytes.length - b.bytes.length)
  const key = world.signer.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
  await writeFile(file, serialize({ key, cases } satisfies Frost), { mode: 0o600 })
}

/** The first document of which something else is said than was written down, if there is one. */
export async function firstChanged(file: string): Promise<string | undefined> {
  const { key, cases } = deserialize(await readFile(file)) as Frost
  const world = { signer: { privateKey: createPrivateKey(key) } }
  for (const frozen of cases) if (!(await strictlyTheSame(frozen))) return frozen.name
  for (const { name, bytes, profile, second } of cases) {
    if (said(judgeAgain(bytes, world, { profile: PROFILES[profile] })) !== second) return `${name} (second reader)`
  }
  for (const frozen of cases) if (!(await togetherTheSame(frozen))) return `${frozen.name} (both)`
  return undefined
}

async function strictlyTheSame({ bytes, strict, ...frozen }: Frozen): Promise<boolean> {
  return said(await judge(bytes, { ...questionOf(frozen), crossCheck: false })) === strict
}

async function togetherTheSame({ bytes, both, ...frozen }: Frozen): Promise<boolean> {
  return said(await judge(bytes, questionOf(frozen))) === both
}

const questionOf = ({ profile, trust, at }: Pick<Frozen, 'profile' | 'trust' | 'at'>) => ({
  profile: PROFILES[profile],
  trust: TrustStore.from(trust),
  at,
})

const said = (outcome: Outcome): CheckId | string =>
  outcome.verdict === 'accepted' ? 'accepted' : (outcome.check ?? 'no check')

function keyOf(profile: object): keyof typeof PROFILES {
  for (const [name, one] of Object.entries(PROFILES)) if (one === profile) return name as keyof typeof PROFILES
  throw new Error('a profile of no name')
}

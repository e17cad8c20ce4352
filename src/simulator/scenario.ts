import { parse, stringify } from 'yaml'
import { PeopleError, toPeople } from './people/read.ts'
import type { Persona } from './persona.ts'
import { PERSONAS } from './personas.ts'
import { ENDPOINTS, type Endpoint, parseQuirkNames, parseRules, type QuirkRule, type Rule, RuleError } from './rules.ts'
import { type Check, faultsOf, isFlag, isRecord, listOf, matching, type Shape, shaped, text } from './shape.ts'
import type { SimulatorClient } from './world.ts'

/** What a simulator plays, and what it has played: one form for both, so that a run can be recorded and replayed. */
export interface Scenario {
  readonly story?: string
  /** people of its own, beside those that come with the simulator */
  readonly people: readonly Persona[]
  /** absent: whoever starts it says so. A client without a secret takes the one that whoever starts it gives, or the demo’s */
  readonly clients?: readonly ScenarioClient[]
  /** in force from the start; of two that fit the first counts, until it is used up */
  readonly rules: readonly Rule[]
  /** rules that take the place of the former ones, each once that many calls have been made */
  readonly later: readonly Step[]
  /** sign-ins in their order, with what is to go wrong in each: the first of a person counts for her first sign-in */
  readonly journeys: readonly Journey[]
  /** what was called and answered, in order; nothing plays it, but two runs can be compared */
  readonly calls: readonly string[]
}

export type ScenarioClient = Omit<SimulatorClient, 'clientSecret'> & { readonly clientSecret?: string }
export type Counts = Readonly<Partial<Record<Endpoint, number>>>

export interface Step {
  /** calls since the start; every one of these counts must be reached */
  readonly after: Counts
  readonly rules: readonly Rule[]
}

export interface Journey {
  readonly persona: string
  readonly quirks: readonly QuirkRule[]
}

export class ScenarioError extends Error {}

const CLIENT: Shape = {
  clientId: matching(/^[A-Za-z0-9_-]{1,64}$/),
  'clientSecret?': text,
  redirectUris: listOf(text),
  scopes: listOf(matching(/^\S{1,64}$/)),
  'openid?': isFlag,
  'doctypes?': listOf(matching(/^[A-Z]{3,8}$/)),
}
const anyList: Check = Array.isArray
const counts: Check = (value) =>
  isRecord(value) &&
  Object.keys(value).length > 0 &&
  Object.entries(value).every(([name, count]) => (ENDPOINTS as readonly string[]).includes(name) && isCount(count))
const isCount = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 1
const quirkNames: Check = (value) => typeof value === 'string' && passes(() => parseQuirkNames(value))

const SCENARIO: Shape = {
  scenario: (value) => value === 1,
  'story?': text,
  'people?': (value) => typeof value === 'string' || Array.isArray(value),
  'clients?': listOf(shaped(CLIENT)),
  'rules?': anyList,
  'later?': listOf(shaped({ after: counts, rules: anyList })),
  'journeys?': listOf(shaped({ persona: text, 'quirks?': listOf(quirkNames) })),
  'calls?': listOf(text),
}

/**
 * A scenario from YAML (or JSON, which is YAML too).
 * @param readPeopleFile the text of the file that `people` names
 * @throws ScenarioError naming every member that is wrong
 */
export function readScenario(yaml: string, readPeopleFile?: (name: string) => string): Scenario {
  const given = parsed(yaml)
  refuse(faultsOf(given, SCENARIO, 'scenario'))
  const file = given as ScenarioFile
  const people = peopleOf(file.people, readPeopleFile)
  const everyone = [...people, ...PERSONAS]
  const journeys = (file.journeys ?? []).map(({ persona, quirks = [] }) => ({
    persona,
    quirks: quirks.flatMap(parseQuirkNames),
  }))
  const strangers = journeys.filter(({ persona }) => everyone.every(({ id }) => id !== persona))
  refuse(strangers.map(({ persona }) => `scenario.journeys: ${persona} is nobody`))
  return {
    ...(file.story !== undefined && { story: file.story }),
    people,
    ...(file.clients && { clients: file.clients.map((client) => ({ openid: false, ...client })) }),
    rules: toRules(file.rules, everyone, 'scenario'),
    later: (file.later ?? []).map(({ after, rules }, index) => ({
      after,
      rules: toRules(rules, everyone, `scenario.later[${index}]`),
    })),
    journeys,
    calls: file.calls ?? [],
  }
}

/** The same as YAML. Secrets of clients and people of one’s own stay out: they are whoever’s who starts it. */
export function writeScenario({ story, clients, rules, later, journeys, calls }: Scenario): string {
  const file = {
    scenario: 1,
    ...(story !== undefined && { story }),
    ...(clients && { clients: clients.map(({ clientSecret: _kept, ...client }) => client) }),
    rules,
    later,
    journeys: journeys.map(({ persona, quirks }) => ({
      persona,
      ...(quirks.length > 0 && { quirks: quirks.map(nameOf) }),
    })),
    calls,
  }
  return `# A scenario of the DigiLocker simulator: --scenario plays it again (src/simulator/reference.md)\n${stringify(file)}`
}

/** Members as they stand in the file, after their shape was checked. */
interface ScenarioFile {
  readonly story?: string
  readonly people?: string | readonly unknown[]
  readonly clients?: readonly (Omit<ScenarioClient, 'openid'> & { readonly openid?: boolean })[]
  readonly rules?: readonly unknown[]
  readonly later?: readonly { readonly after: Counts; readonly rules: readonly unknown[] }[]
  readonly journeys?: readonly { readonly persona: string; readonly quirks?: readonly string[] }[]
  readonly calls?: readonly string[]
}

function parsed(yaml: string): unknown {
  try {
    return parse(yaml)
  } catch (error) {
    throw new ScenarioError(`scenario: ${error instanceof Error ? error.message : 'cannot be read'}`)
  }
}

function peopleOf(given: ScenarioFile['people'], readPeopleFile?: (name: string) => string): Persona[] {
  if (given === undefined) return []
  if (typeof given === 'string' && readPeopleFile === undefined)
    throw new ScenarioError('scenario.people names a file, and there is no folder to look in')
  try {
    return toPeople(typeof given === 'string' ? parse(readPeopleFile?.(given) ?? '') : given)
  } catch (error) {
    if (error instanceof PeopleError) throw new ScenarioError(error.message)
    throw error
  }
}

/** A rule is an object as on the control port, or a name like `hmac-missing:DRVLC`. */
function toRules(given: readonly unknown[] = [], people: readonly Persona[], at: string): Rule[] {
  try {
    const rules = given.flatMap((rule) => (typeof rule === 'string' ? parseQuirkNames(rule) : [rule]))
    return parseRules({ rules }, people)
  } catch (error) {
    if (error instanceof RuleError) throw new ScenarioError(`${at}: ${error.message}`)
    throw error
  }
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new ScenarioError(faults.join('; '))
}

function passes(act: () => unknown): boolean {
  try {
    act()
    return true
  } catch (error) {
    if (error instanceof RuleError) return false
    throw error
  }
}

const nameOf = ({ quirk, doctype }: QuirkRule): string => (doctype === undefined ? quirk : `${quirk}:${doctype}`)

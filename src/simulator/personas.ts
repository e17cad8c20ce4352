import { readFileSync } from 'node:fs'
import { readPeople } from './people/read.ts'
import type { Persona } from './persona.ts'

/** The people that come with the simulator (`people/people.yaml`). */
export const PERSONAS: readonly Persona[] = readPeople(
  readFileSync(new URL('./people/people.yaml', import.meta.url), 'utf8'),
)

/** The persona of this id. @throws RangeError when there is none */
export function getPersona(id: string): Persona {
  const persona = PERSONAS.find((candidate) => candidate.id === id)
  if (persona === undefined) throw new RangeError('no such persona')
  return persona
}

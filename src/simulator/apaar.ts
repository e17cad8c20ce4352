import { dayFirst } from './dates.ts'
import { json, refuse, type SimRequest, type SimResponse } from './http.ts'
import { grantOf, INSUFFICIENT_SCOPE, INVALID_TOKEN, isAboutThePerson } from './resources.ts'
import type { Quirks } from './rules.ts'
import type { World } from './world.ts'

/** GET /public/oauth2/1/apaar: the student id and what universities reported under it (digilocker-api.md §10.7). */
export function apaar(request: SimRequest, world: World, quirks: Quirks): SimResponse {
  const grant = grantOf(request, world)
  if (grant === undefined) return INVALID_TOKEN
  if (!isAboutThePerson(grant)) return INSUFFICIENT_SCOPE
  const { id, name, birthdate, gender, apaar: student } = grant.persona
  if (student === undefined) return refuse(404, 'apaar_not_linked', 'No APAAR id is linked to this account.')
  if (quirks.take('apaar-not-available', { persona: id }))
    return refuse(404, 'apaar_not_available', 'The APAAR data of this account cannot be had.')
  return json(200, {
    apaar_id: student.id,
    student_details: {
      name,
      dob: dayFirst(birthdate, '/'),
      gender: { F: 'Female', M: 'Male', T: 'Transgender' }[gender],
      created_on: dayFirst(student.createdOn, '/'),
    },
    academic_details: student.universities.map(({ name: university, orgId, courses }) => ({
      university_name: university,
      org_id: orgId,
      courses: courses.map((course) => ({ name: course.name, subjects: [...course.subjects] })),
    })),
  })
}

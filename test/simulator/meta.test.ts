import { createHash, createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { testPki } from '../support/pki.ts'
import * as walk from './support/walk.ts'

const NOW = Date.parse('2026-11-24T06:30:00Z') / 1000
const { clientId, clientSecret } = walk.PLAIN
const PULL = '/public/oauth2/1/pull'
const STATISTICS = '/public/statistics/1/counts'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ pki: await testPki(new Date(NOW * 1000)), clients: [walk.PLAIN], now: () => NOW })
})
beforeEach(() => simulator.reset())
afterAll(() => simulator.close())

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

async function ask(path: string, fields: Record<string, string> = {}, change: Record<string, string | undefined> = {}) {
  const ts = change.ts ?? String(NOW)
  const hmac = sha256([clientSecret, clientId, fields.orgid, fields.doctype, ts].join(''))
  const all = { clientid: clientId, ...fields, ts, hmac, ...change }
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(all)) if (value !== undefined) form.set(name, value)
  const reply = await walk.post(simulator, path, form)
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> & { error?: string } }
}

describe('meta APIs — digilocker-api.md §11', () => {
  it('lead from issuers over document types to what an office wants to know', async () => {
    const issuers = await ask(`${PULL}/issuers`)
    expect(issuers.body.issuers).toContainEqual(
      expect.objectContaining({ orgid: '002202', issuerid: 'in.gov.transport', categories: expect.any(String) }),
    )
    const doctypes = await ask(`${PULL}/doctype`, { orgid: '002202' })
    expect(doctypes.body.documents).toEqual([
      { doctype: 'DRVLC', description: 'Driving License' },
      { doctype: 'RVCER', description: 'Registration of Vehicles' },
    ])
    const parameters = await ask(`${PULL}/parameters`, { orgid: '002202', doctype: 'DRVLC' })
    expect(parameters.body.parameters).toEqual([
      { label: expect.any(String), paramname: 'dlno', valuelist: null, example: expect.any(String) },
    ])
  })

  it('count people and documents, as text', async () => {
    const { status, body } = await ask(STATISTICS)
    expect(status).toBe(200)
    expect(body).toMatchObject({ users: '20', requestors: '1', count_as_on: '24/11/2026' })
  })

  it.each([
    ['an unknown client', { clientid: 'NOBODY' }, 401, 'invalid_client_id'],
    ['no client', { clientid: undefined }, 400, 'invalid_parameter'],
    ['no time', { ts: '' }, 400, 'invalid_parameter'],
    ['no digest', { hmac: undefined }, 400, 'invalid_parameter'],
    ['another secret', { hmac: sha256(`another${clientId}${NOW}`) }, 400, 'invalid_parameter'],
    [
      'an upper-case digest',
      { hmac: sha256(`${clientSecret}${clientId}${NOW}`).toUpperCase() },
      400,
      'invalid_parameter',
    ],
    ['milliseconds', { ts: String(NOW * 1000) }, 400, 'invalid_parameter'],
    ['a time of 30 minutes and a second ago', { ts: String(NOW - 1801) }, 400, 'invalid_parameter'],
    ['a time as far ahead', { ts: String(NOW + 1801) }, 400, 'invalid_parameter'],
    ['a time of 30 minutes ago', { ts: String(NOW - 1800) }, 200, undefined],
  ])('judge a call with %s', async (_case, change, status, error) => {
    for (const path of [`${PULL}/issuers`, STATISTICS]) {
      const reply = await ask(path, {}, change)
      expect([reply.status, reply.body.error]).toEqual([status, error])
    }
  })

  it('say which field is wrong', async () => {
    const wrongSecret = await ask(STATISTICS, {}, { hmac: 'x' })
    const wrongTime = await ask(STATISTICS, {}, { ts: '1' })
    const wrongOrg = await ask(`${PULL}/doctype`, { orgid: '999999' })
    const wrongType = await ask(`${PULL}/parameters`, { orgid: '001891', doctype: 'DRVLC' })
    const said = [wrongSecret, wrongTime, wrongOrg, wrongType].map(
      ({ body }) => String(body.error_description).split(' ', 1)[0],
    )
    expect(said).toEqual(['hmac', 'ts', 'orgid', 'doctype'])
  })

  it('want the fields signed in the order of the documents, all of them', async () => {
    const fields = { orgid: '002202', doctype: 'DRVLC' }
    const swapped = sha256(`${clientSecret}${clientId}DRVLC002202${NOW}`)
    const short = sha256(`${clientSecret}${clientId}${NOW}`)
    for (const hmac of [swapped, short]) expect((await ask(`${PULL}/parameters`, fields, { hmac })).status).toBe(400)
  })

  it('meta-digest-base64 and meta-digest-keyed: want another digest', async () => {
    const signed = `${clientId}${NOW}`
    const base64 = createHash('sha256').update(`${clientSecret}${signed}`).digest('base64')
    const keyed = createHmac('sha256', clientSecret).update(signed).digest('hex')
    simulator.setFaults([{ quirk: 'meta-digest-base64' }])
    expect([(await ask(STATISTICS)).status, (await ask(STATISTICS, {}, { hmac: base64 })).status]).toEqual([400, 200])
    simulator.setFaults([{ quirk: 'meta-digest-keyed' }])
    expect([(await ask(STATISTICS)).status, (await ask(STATISTICS, {}, { hmac: keyed })).status]).toEqual([400, 200])
  })

  it('parameters-array: the list comes bare', async () => {
    simulator.setFaults([{ quirk: 'parameters-array' }])
    expect((await ask(`${PULL}/parameters`, { orgid: '001891', doctype: 'PANCR' })).body).toHaveLength(2)
  })

  it('fail in their own words when told to', async () => {
    simulator.setFaults([{ endpoint: 'issuers', status: 401 }])
    expect((await ask(`${PULL}/issuers`)).body.error).toBe('invalid_client_id')
  })
})

describe('APAAR — digilocker-api.md §10.7', () => {
  const APAAR = '/public/oauth2/1/apaar'
  const ofPersona = async (persona: string, change = {}) => {
    const { access_token } = await walk.login(simulator, { persona, change })
    const reply = await walk.get(simulator, APAAR, access_token)
    return { status: reply.status, body: (await reply.json()) as Record<string, unknown> }
  }

  it('says who studies what', async () => {
    const { body } = await ofPersona('kavya')
    expect(body).toMatchObject({
      apaar_id: expect.stringMatching(/^\d{12}$/),
      student_details: { name: 'Kavya Shah', dob: '31/12/2008', gender: 'Female' },
      academic_details: [{ courses: [{ subjects: ['MATHEMATICS', 'PHYSICS'] }] }],
    })
  })

  it.each([
    ['asha', {}, 404, 'apaar_not_linked'],
    ['omar', {}, 404, 'apaar_not_available'],
    ['kavya', { scope: 'files.issueddocs' }, 403, 'insufficient_scope'],
  ])('refuses %s %o with %i %s', async (persona, change, status, error) => {
    const reply = await ofPersona(persona, change)
    expect([reply.status, reply.body.error]).toEqual([status, error])
  })

  it('refuses nobody’s token, and fails with 530 unexpected_error', async () => {
    expect((await walk.get(simulator, APAAR, '0'.repeat(40))).status).toBe(401)
    simulator.setFaults([{ endpoint: 'apaar', status: 530 }])
    const failed = await ofPersona('kavya')
    expect([failed.status, failed.body.error]).toEqual([530, 'unexpected_error'])
  })
})

describe('device flow of the old specification — digilocker-api.md §11', () => {
  const ask = (fields: Record<string, string>) =>
    walk.post(
      simulator,
      '/public/oauth2/1/code',
      new URLSearchParams({ client_id: clientId, response_type: 'device_code', ...fields }),
    )
  const redeem = (device_code: string, dl_otp: string) =>
    walk.post(
      simulator,
      '/public/oauth2/1/token',
      new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code,
        dl_otp,
        client_id: clientId,
        client_secret: clientSecret,
      }),
    )
  const codeFor = async (fields: Record<string, string>) =>
    ((await (await ask(fields)).json()) as { device_code: string }).device_code

  it.each([[{ dl_mobile: '9000000001' }], [{ dl_username: 'asha.verma' }]])(
    'turns %o and the one-time code into tokens, once',
    async (fields) => {
      const reply = await (await ask(fields)).json()
      expect(reply).toEqual({
        device_code: expect.stringMatching(/^[0-9a-f]{40}$/),
        dl_masked_mobile: 'xxxxxx0001',
        dl_masked_email: expect.stringMatching(/^x+@example\.in$/),
        expires_in: 600,
      })
      const { device_code } = reply as { device_code: string }
      expect((await redeem(device_code, '000000')).status).toBe(400)
      const tokens = (await (await redeem(device_code, '111111')).json()) as walk.TokenReply
      expect((await walk.get(simulator, walk.ISSUED, tokens.access_token)).status).toBe(200)
      expect((await redeem(device_code, '111111')).status).toBe(400)
    },
  )

  it('ends a device code at the fifth wrong one-time code', async () => {
    const code = await codeFor({ dl_mobile: '9000000001' })
    for (let time = 0; time < 5; time += 1) await redeem(code, '999999')
    expect((await redeem(code, '111111')).status).toBe(400)
  })

  it.each([
    [{ dl_mobile: '9999999999' }, 400, 'invalid_mobile'],
    [{ dl_username: 'nobody' }, 400, 'invalid_username'],
    [{ response_type: 'code' }, 400, 'invalid_response_type'],
    [{ client_id: 'NOBODY' }, 401, 'invalid_client_id'],
  ])('refuses %o with %i %s', async (fields, status, error) => {
    const reply = await ask(fields as Record<string, string>)
    expect([reply.status, ((await reply.json()) as { error: string }).error]).toEqual([status, error])
  })
})

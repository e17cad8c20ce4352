import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Pki } from '../../src/simulator/pki.ts'
import type { Rule } from '../../src/simulator/rules.ts'
import { readScenario, ScenarioError } from '../../src/simulator/scenario.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { bareEnvironment } from '../support/environment.ts'
import { testPki } from '../support/pki.ts'
import * as walk from './support/walk.ts'

let pki: Pki
let folder: string
beforeAll(async () => {
  pki = await testPki()
  folder = await mkdtemp(path.join(tmpdir(), 'simulator-scenario-'))
})
afterAll(() => rm(folder, { recursive: true }))

const control = (simulator: Simulator, path: string, init?: RequestInit) =>
  fetch(new URL(path, simulator.controlUrl), init)
const recorded = async (simulator: Simulator) => (await control(simulator, '/control/scenario')).text()
const setFaults = (simulator: Simulator, rules: Rule[]) =>
  control(simulator, '/control/faults', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ rules }),
  })

type SetRules = (rules: Rule[]) => Promise<unknown>

/** A login and its documents, twice. Faults are set between the calls by whoever walks; the answers are what is returned. */
async function walkAll(simulator: Simulator, set: SetRules, typed = ''): Promise<unknown[]> {
  const answers: unknown[] = []
  const note = async (reply: Response) => {
    const text = await reply.text()
    answers.push([
      reply.status,
      reply.headers.get('retry-after'),
      reply.headers.has('hmac'),
      /"error":"(\w+)"/.exec(text)?.[1],
    ])
  }
  await set([{ endpoint: 'user', status: 530, times: 1 }])
  const token = await walk.login(simulator, typed ? { wrong: typed } : {})
  const fetchAll = async () => {
    await note(await walk.get(simulator, walk.USER, token.access_token))
    await note(await walk.get(simulator, walk.xmlPath(walk.uriOf(token.scope, 'DRVLC')), token.access_token))
    await note(await walk.get(simulator, walk.xmlPath(walk.uriOf(token.scope, 'PANCR')), token.access_token))
  }
  await fetchAll()
  await set([
    { endpoint: 'xml', doctype: 'DRVLC', status: 429, retryAfterSeconds: 3, times: 2 },
    { quirk: 'hmac-missing', doctype: 'PANCR' },
  ])
  await fetchAll()
  await fetchAll()
  await set([])
  await fetchAll()
  return answers
}

const nothing: SetRules = async () => undefined

describe('a run recorded over the control port, and replayed', () => {
  it('gives the same walk the same answers in another simulator, without anybody setting a fault', {
    timeout: 120_000,
  }, async () => {
    const first = await startSimulator({ pki, clients: [walk.PLAIN] })
    const answers = await walkAll(first, (rules) => setFaults(first, rules), 'repository-503:PANCR')
    const file = await recorded(first)
    await first.close()
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBeGreaterThan(4)

    await using second = await startSimulator({ pki, clients: [walk.PLAIN], scenario: readScenario(file) })
    expect(await walkAll(second, nothing)).toEqual(answers)
    expect(await recorded(second)).toBe(file)

    second.reset()
    expect(await walkAll(second, nothing)).toEqual(answers)
  })

  it('holds rules, what was typed at the sign-in and every call in order; no secret, no token, no name', {
    timeout: 120_000,
  }, async () => {
    await using simulator = await startSimulator({ pki, clients: [walk.PLAIN] })
    const token = await walk.login(simulator, { wrong: 'hmac-missing, tampered-xml:DRVLC' })
    await setFaults(simulator, [{ endpoint: 'xml', status: 530, body: 'html', wire: 'cut' }])
    await walk.get(simulator, walk.xmlPath(walk.uriOf(token.scope, 'DRVLC')), token.access_token)
    const reply = await control(simulator, '/control/scenario')
    const file = await reply.text()
    expect(reply.headers.get('content-type')).toBe('application/yaml')
    expect(parse(file)).toEqual({
      scenario: 1,
      clients: [expect.objectContaining({ clientId: walk.PLAIN.clientId, redirectUris: walk.PLAIN.redirectUris })],
      rules: [],
      later: [
        {
          after: { authorize: 1, signin: 2, consent: 2, token: 1 },
          rules: [{ endpoint: 'xml', status: 530, body: 'html', wire: 'cut' }],
        },
      ],
      journeys: [{ persona: 'asha', quirks: ['hmac-missing', 'tampered-xml:DRVLC'] }],
      calls: ['authorize 303', 'signin 200', 'signin 303', 'consent 200', 'consent 303', 'token 200', 'xml DRVLC 530'],
    })
    for (const secret of [walk.PLAIN.clientSecret, token.access_token, 'Asha', 'MP0020120000000', 'ZZAPV'])
      expect(file).not.toContain(secret)
    expect(simulator.recording()).toBe(file)
    simulator.reset()
    expect(parse(await recorded(simulator))).toMatchObject({ later: [], journeys: [], calls: [] })
  })

  it('tells a change before the first call from a later one, and takes several between two calls for one', async () => {
    await using simulator = await startSimulator({ pki, clients: [walk.PLAIN] })
    await setFaults(simulator, [{ quirk: 'name-empty' }])
    await setFaults(simulator, [{ quirk: 'mime-string' }])
    await fetch(walk.authorizeUrl(simulator), { redirect: 'manual' })
    await setFaults(simulator, [{ quirk: 'xml-as-text' }])
    await control(simulator, '/control/faults', { method: 'DELETE' })
    expect(parse(await recorded(simulator))).toMatchObject({
      rules: [{ quirk: 'mime-string' }],
      later: [{ after: { authorize: 1 }, rules: [] }],
    })
  })
})

describe('a scenario in a file', () => {
  const own = `scenario: 1
story: A relying party whose licence office fails twice.
people:
  - { id: zoya, story: Mine., pin: "424242", name: Zoya Khan, relative: X, birthdate: 1990-01-01, gender: F,
      pan: { number: ZZZPK0000Z, verifiedOn: 01-01-2020 10:00:00 },
      address: { house: "1", street: A, landmark: "", locality: B, vtc: C, postOffice: D, subdistrict: E, district: F, state: Goa, pin: "403999" } }
clients:
  - { clientId: MINE, redirectUris: [https://mine.test/callback], scopes: [files.issueddocs, userdetails] }
rules: [mime-string, "hmac-missing:PANCR"]
later:
  - { after: { xml: 1 }, rules: [{ endpoint: xml, status: 404 }] }
journeys:
  - persona: zoya
  - { persona: zoya, quirks: [unsigned-xml] }
`
  const mine = {
    ...walk.PLAIN,
    clientId: 'MINE',
    clientSecret: 'demo-only-not-a-secret',
    redirectUris: ['https://mine.test/callback'],
  }

  it('brings people, clients, names of quirks, later rules and quirks of a second sign-in', async () => {
    await using simulator = await startSimulator({ pki, scenario: readScenario(own) })
    const licence = async () => {
      const token = await walk.login(simulator, { client: mine, persona: 'zoya', pin: '424242' })
      const reply = await walk.get(simulator, walk.xmlPath(walk.uriOf(token.scope, 'PANCR')), token.access_token)
      return [reply.status, reply.headers.has('hmac'), (await reply.text()).includes('<Signature ')]
    }
    expect(await licence()).toEqual([200, false, true])
    expect(await licence()).toEqual([404, false, false])
    simulator.clearFaults()
    simulator.reset()
    simulator.setFaults([])
    expect(await licence()).toEqual([200, true, true])
    simulator.clearFaults()
    expect(await licence()).toEqual([200, true, false])
  })

  it('that comes with the simulator plays what its story says', async () => {
    const text = readFileSync('src/simulator/scenarios/licence-office-is-away.yaml', 'utf8')
    await using simulator = await startSimulator({ pki, clients: [walk.PLAIN], scenario: readScenario(text) })
    const licence = async ({ scope, access_token }: walk.TokenReply) => {
      const reply = await walk.get(simulator, walk.xmlPath(walk.uriOf(scope, 'DRVLC')), access_token)
      return [reply.status, reply.headers.has('hmac')]
    }
    const back = await walk.walkToCallback(simulator)
    const code = back.searchParams.get('code') ?? ''
    expect((await walk.exchange(simulator, code)).status).toBe(500)
    const first = (await (await walk.exchange(simulator, code)).json()) as walk.TokenReply
    expect([await licence(first), await licence(first), await licence(first)]).toEqual([
      [530, false],
      [530, false],
      [200, true],
    ])
    expect(await licence(await walk.login(simulator))).toEqual([200, false])
  })

  it.each([
    ['no scenario', 'a: 1', 'scenario.a is not known'],
    ['another version', 'scenario: 2', 'scenario.scenario is not valid'],
    ['a quirk that does not exist', 'scenario: 1\nrules: [no-such]', 'scenario: there is no such quirk'],
    [
      'a rule that is wrong',
      'scenario: 1\nlater: [{ after: { xml: 1 }, rules: [{ endpoint: xml, status: 7 }] }]',
      'later[0]: rules[0].status',
    ],
    [
      'an endpoint that does not exist',
      'scenario: 1\nlater: [{ after: { cake: 1 }, rules: [] }]',
      'scenario.later is not valid',
    ],
    ['a count of none', 'scenario: 1\nlater: [{ after: { xml: 0 }, rules: [] }]', 'scenario.later is not valid'],
    ['a person who does not exist', 'scenario: 1\njourneys: [{ persona: nobody }]', 'nobody is nobody'],
    [
      'a person of a rule who does not exist',
      'scenario: 1\nrules: [{ quirk: name-empty, persona: nobody }]',
      'rules[0].persona is nobody',
    ],
    ['people that are wrong', 'scenario: 1\npeople: [{ id: x }]', 'x.story is missing'],
    [
      'a client without a redirect URI',
      'scenario: 1\nclients: [{ clientId: X, scopes: [] }]',
      'scenario.clients is not valid',
    ],
    ['a file of people and no folder', 'scenario: 1\npeople: mine.yaml', 'no folder to look in'],
    ['what is no YAML', 'scenario: [', 'scenario:'],
  ])('is refused with %s', (_case, text, fault) => {
    expect(() => readScenario(text)).toThrow(ScenarioError)
    expect(() => readScenario(text)).toThrow(fault)
  })
})

describe('the program, and dwar simulator, which takes the same options', () => {
  const people = `- { id: zoya, story: Mine., pin: "424242", name: Zoya, relative: X, birthdate: 1990-01-01, gender: F, address: { house: "1",
    street: A, landmark: "", locality: B, vtc: C, postOffice: D, subdistrict: E, district: F, state: Goa, pin: "403999" } }\n`

  it.each([[['src/simulator/main.ts']], [['src/main.ts', 'simulator']]])(
    '%j plays a scenario with people in a file beside it',
    { timeout: 120_000 },
    async (program) => {
      await writeFile(path.join(folder, 'people.yaml'), people)
      await writeFile(
        path.join(folder, 'scenario.yaml'),
        'scenario: 1\npeople: people.yaml\nrules: [{ endpoint: statistics, status: 530 }]\n',
      )
      const options = [
        '--port',
        '0',
        '--control-port',
        '0',
        '--client-id',
        'MINE',
        '--client-secret',
        's',
        '--openid',
        '--redirect-uri',
        'https://mine.test/a',
        '--redirect-uri',
        'https://mine.test/b',
        '--scenario',
        path.join(folder, 'scenario.yaml'),
      ]
      const child = execFile(process.execPath, [...program, ...options], { env: bareEnvironment })
      const [url, controlUrl] = await new Promise<string[]>((resolve) => {
        let said = ''
        const hear = (chunk: string) => {
          said += chunk
          const found = [...said.matchAll(/at (http:\/\/127\.0\.0\.1:\d+)/g)].map((match) => match[1] ?? '')
          if (found.length === 2) resolve(found)
        }
        child.stdout?.on('data', hear)
        child.stderr?.on('data', hear)
      })
      expect((await fetch(new URL('/public/statistics/1/counts', url), { method: 'POST' })).status).toBe(530)
      const { personas } = (await (await fetch(new URL('/control/personas', controlUrl))).json()) as {
        personas: { id: string }[]
      }
      expect(personas.some(({ id }) => id === 'zoya')).toBe(true)
      const { clients } = parse(await (await fetch(new URL('/control/scenario', controlUrl))).text()) as {
        clients: object[]
      }
      expect(clients).toEqual([
        expect.objectContaining({
          clientId: 'MINE',
          openid: true,
          redirectUris: ['https://mine.test/a', 'https://mine.test/b'],
        }),
      ])
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      expect(await ended).toBe(0)
    },
  )

  it.each([
    [['src/main.ts', 'simulator'], { DWAR_ENV: 'production' }, [], 'production'],
    [['src/main.ts', 'simulator'], { NODE_ENV: 'production' }, [], 'production'],
    [['src/simulator/main.ts'], {}, ['--scenario', 'no-such-file.yaml'], 'no-such-file.yaml'],
    [['src/main.ts', 'simulator'], {}, ['--people', 'no-such-file.yaml'], 'no-such-file.yaml'],
    [['src/main.ts', 'simulator'], {}, ['--scenario', 'package.json'], 'is not known'],
    [['src/main.ts', 'simulator'], {}, ['--colour', 'red'], 'colour'],
    [['src/main.ts', 'simulator'], {}, ['--port', '70000'], 'a port is a whole number'],
  ])('%j under %o with %j is refused', { timeout: 120_000 }, async (program, env, options, says) => {
    const failed = await new Promise<{ code: unknown; stderr: string }>((resolve) =>
      execFile(
        process.execPath,
        [...program, ...options],
        { env: { ...bareEnvironment, ...env } },
        (error, _out, stderr) => resolve({ code: error?.code, stderr }),
      ),
    )
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining(says)])
    expect(failed.stderr).not.toMatch(/^ {4}at /m)
  })

  it('dwar simulator --help shows them', { timeout: 120_000 }, async () => {
    const out = await new Promise<string>((resolve) =>
      execFile(
        process.execPath,
        ['src/main.ts', 'simulator', '--help'],
        { env: bareEnvironment },
        (_error, stdout, stderr) => resolve(stdout + stderr),
      ),
    )
    expect(out).toContain('--scenario <file>')
  })
})

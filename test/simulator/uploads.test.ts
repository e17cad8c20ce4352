import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { testPki } from '../support/pki.ts'
import * as walk from './support/walk.ts'

const CLIENT = { ...walk.PLAIN, scopes: ['files.issueddocs', 'files.uploadeddocs', 'userdetails'] }
const FILES = '/public/oauth2/1/files'
const PDF = Buffer.from('%PDF-1.4\nsample\n%%EOF\n')
const JPEG = Buffer.from('ffd8ffe000104a46494600', 'hex')
const MIB = 1024 * 1024

interface List {
  readonly directory: string
  readonly items: {
    name: string
    type: string
    id: number | string
    uri: string
    mime: string
    size: string
    parent: string
  }[]
}

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ pki: await testPki(), clients: [CLIENT] })
})
beforeEach(() => simulator.reset())
afterAll(() => simulator.close())

const login = (persona = 'asha', change = {}) => walk.login(simulator, { client: CLIENT, persona, change })
const list = async (token: string, path = FILES) => (await (await walk.get(simulator, path, token)).json()) as List
const hmacOf = (body: Buffer, secret = CLIENT.clientSecret) =>
  createHmac('sha256', secret).update(body).digest('base64')

function upload(token: string, body: Buffer, headers: Record<string, string | undefined> = {}): Promise<Response> {
  const all = { 'content-type': 'application/pdf', path: 'Health/report.pdf', hmac: hmacOf(body), ...headers }
  const given = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  return fetch(new URL('/public/oauth2/1/file/upload', simulator.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...Object.fromEntries(given) },
    body: new Uint8Array(body),
  })
}

describe('what people uploaded themselves — digilocker-api.md §10.2', () => {
  it.each([FILES, `${FILES}/`])('lists the root at %s: folders with an id, files with a URI', async (path) => {
    const { access_token } = await login()
    const root = await list(access_token, path)
    expect(root.directory).toBe('/')
    expect(root.items.map(({ name, type }) => [name, type])).toEqual([
      ['Health', 'dir'],
      ['lease.png', 'file'],
    ])
    const [folder, file] = root.items
    expect([typeof folder?.id, folder?.uri, folder?.mime]).toEqual(['number', '', ''])
    expect(file).toMatchObject({
      id: '',
      mime: 'image/png',
      uri: expect.stringMatching(/^in\.gov\.digilocker-OTHER-[0-9a-f]{32}$/),
    })
  })

  it('lists folders inside folders by their ids, and their files are served with an hmac', async () => {
    const { access_token } = await login()
    const [health] = (await list(access_token)).items
    const inside = await list(access_token, `${FILES}/${health?.id}`)
    expect([inside.directory, inside.items.map(({ name }) => name)]).toEqual(['/Health', ['2024', 'blood test.pdf']])
    expect(inside.items.every(({ parent }) => parent === String(health?.id))).toBe(true)
    const year = await list(access_token, `${FILES}/${inside.items[0]?.id}`)
    expect([year.directory, year.items[0]?.name]).toEqual(['/Health/2024', 'x-ray.jpg'])
    const served = await walk.get(simulator, walk.filePath(year.items[0]?.uri ?? ''), access_token)
    const body = Buffer.from(await served.arrayBuffer())
    expect([served.status, served.headers.get('content-type')]).toEqual([200, 'image/jpeg'])
    expect([body.subarray(0, 3).toString('hex'), served.headers.get('hmac')]).toEqual(['ffd8ff', hmacOf(body)])
  })

  it('folder-id-string: ids are text', async () => {
    const { access_token } = await login()
    simulator.setFaults([{ quirk: 'folder-id-string' }])
    expect(typeof (await list(access_token)).items[0]?.id).toBe('string')
  })

  it('refuses a folder that is not there, that of another person, no consent, and no token', async () => {
    const { access_token } = await login()
    const [health] = (await list(access_token)).items
    const other = await login('bala')
    const without = await login('asha', { scope: 'files.issueddocs userdetails' })
    const answers = [
      await walk.get(simulator, `${FILES}/1`, access_token),
      await walk.get(simulator, `${FILES}/${health?.id}`, other.access_token),
      await walk.get(simulator, FILES, without.access_token),
      await walk.get(simulator, FILES, '0'.repeat(40)),
    ]
    const words = await Promise.all(
      answers.map(async (one) => [one.status, ((await one.json()) as { error: string }).error]),
    )
    expect(words).toEqual([
      [404, 'invalid_id'],
      [404, 'invalid_id'],
      [403, 'insufficient_scope'],
      [401, 'invalid_token'],
    ])
  })

  it('does not serve a file of hers where the grant is for issued documents alone', async () => {
    const { access_token } = await login()
    const uri = (await list(access_token)).items[1]?.uri ?? ''
    const without = await login('asha', { scope: 'files.issueddocs userdetails' })
    expect((await walk.get(simulator, walk.filePath(uri), without.access_token)).status).toBe(404)
    expect((await walk.get(simulator, '/public/oauth2/1/file/', access_token)).status).toBe(400)
  })
})

describe('upload — digilocker-api.md §10.8', () => {
  it('puts a file there, which is listed and served as it came; the same path takes its place', async () => {
    const { access_token } = await login()
    const reply = await upload(access_token, PDF)
    expect([reply.status, await reply.json()]).toEqual([200, { path: 'Health/report.pdf', size: String(PDF.length) }])
    const longer = Buffer.concat([PDF, PDF])
    expect((await upload(access_token, longer)).status).toBe(200)
    const [health] = (await list(access_token)).items
    const inside = (await list(access_token, `${FILES}/${health?.id}`)).items.filter(
      ({ name }) => name === 'report.pdf',
    )
    expect(inside.map(({ size }) => size)).toEqual([String(longer.length)])
    const served = await walk.get(simulator, walk.filePath(inside[0]?.uri ?? ''), access_token)
    expect(Buffer.from(await served.arrayBuffer()).equals(longer)).toBe(true)
    simulator.reset()
    const again = await login()
    expect((await list(again.access_token, `${FILES}/${health?.id}`)).items.map(({ name }) => name)).not.toContain(
      'report.pdf',
    )
  })

  it.each([
    ['application/octet-stream', 'a.jpeg', JPEG],
    ['image/jpg', 'a.jpg', JPEG],
    ['image/pdf', 'A folder/b (2).PDF', PDF],
  ])('takes %s as %s', async (type, path, body) => {
    const { access_token } = await login('lalita')
    expect((await upload(access_token, body, { 'content-type': type, path })).status).toBe(200)
  })

  it.each([
    ['path_missing', PDF, { path: undefined }],
    ['contenttype_missing', PDF, { 'content-type': '' }],
    ['hmac_missing', PDF, { hmac: undefined }],
    ['filename_missing', PDF, { path: 'Health/' }],
    ['file_data_missing', Buffer.alloc(0), {}],
    ['invalid_path', PDF, { path: '../report.pdf' }],
    ['invalid_path', PDF, { path: '/Health/report.pdf' }],
    ['invalid_path', PDF, { path: 'a/b/c/d/e/f/report.pdf' }],
    ['invalid_filename', PDF, { path: 'Health/re*port.pdf' }],
    ['invalid_filename', PDF, { path: 'report' }],
    ['invalid_filetype', PDF, { path: 'report.exe' }],
    ['invalid_filetype', PDF, { 'content-type': 'text/html' }],
    ['hmac_mismatch', PDF, { hmac: hmacOf(PDF, 'another-secret') }],
    ['hmac_mismatch', PDF, { hmac: createHmac('sha256', CLIENT.clientSecret).update(PDF).digest('hex') }],
    ['mimetype_mismatch', JPEG, {}],
    ['mimetype_mismatch', PDF, { path: 'report.png', 'content-type': 'image/png' }],
    ['mimetype_mismatch', PDF, { 'content-type': 'image/png' }],
  ])('refuses with %s', async (error, body, headers) => {
    const { access_token } = await login()
    const reply = await upload(access_token, body, headers)
    expect([reply.status, ((await reply.json()) as { error: string }).error]).toEqual([400, error])
  })

  it('takes 10 MiB and refuses a byte more, and many more', { timeout: 120_000 }, async () => {
    const { access_token } = await login()
    const largest = Buffer.concat([PDF, Buffer.alloc(10 * MIB - PDF.length)])
    expect((await upload(access_token, largest)).status).toBe(200)
    for (const body of [Buffer.concat([largest, Buffer.alloc(1)]), Buffer.alloc(20 * MIB)]) {
      const reply = await upload(access_token, body)
      expect([reply.status, ((await reply.json()) as { error: string }).error]).toEqual([400, 'invalid_filesize'])
    }
  })

  it('is not for a grant without files.uploadeddocs', async () => {
    const { access_token } = await login('asha', { scope: 'userdetails' })
    expect((await upload(access_token, PDF)).status).toBe(403)
    expect((await upload('0'.repeat(40), PDF)).status).toBe(401)
  })
})

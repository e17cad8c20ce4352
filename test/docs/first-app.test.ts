import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { openStage, type Stage, signInAtDigiLocker } from '../support/stage.ts'

const root = path.resolve(import.meta.dirname, '../..')
const open = freshPGlite()

describe('docs/first-app.mjs, as README has it run', () => {
  let stage: Stage
  let app: ChildProcess
  let origin: string

  beforeAll(async () => {
    stage = await openStage(await open())
    const port = await freePort()
    origin = `http://localhost:${port}`
    const { client_id, client_secret } = await stage.addClient({ redirect_uris: [`${origin}/callback`] })
    app = spawn(process.execPath, ['docs/first-app.mjs'], {
      cwd: root,
      env: { ISSUER: stage.issuer.origin, CLIENT_ID: client_id, CLIENT_SECRET: client_secret, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(app.stdout ?? app, 'data')) as [Buffer]
    expect(line.toString()).toBe(`Open ${origin}\n`)
  })
  afterAll(async () => {
    app.kill()
    await stage.close()
  })

  it('shows claims about the person who signed in', async () => {
    const citizen = new Citizen('https://nowhere.example')
    const consent = await signInAtDigiLocker(citizen, await citizen.get(origin), 'asha')
    const page = await citizen.submit(consent, /^share$/)
    expect(page.status).toBe(200)
    expect(JSON.parse(page.html)).toMatchObject({ name: 'Asha Verma', driving_licence_status: 'active' })
  })

  it('hears of a no', async () => {
    const citizen = new Citizen('https://nowhere.example')
    const consent = await signInAtDigiLocker(citizen, await citizen.get(origin), 'asha')
    const page = await citizen.submit(consent, /^refuse$/)
    expect([page.status, page.html]).toEqual([400, 'not signed in: access_denied\n'])
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

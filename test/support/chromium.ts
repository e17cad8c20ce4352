import { randomUUID } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, chromium, type Page } from 'playwright-core'

const flags = [
  '--no-sandbox', // root may not use it, and the pages are ours
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

/** A headless Chromium: the one named by CHROMIUM_PATH, else `chromium` on PATH, else the one inside npm. */
export async function launchChromium(): Promise<Browser> {
  const found = process.env.CHROMIUM_PATH ?? findOnPath('chromium')
  if (found !== undefined) return chromium.launch({ executablePath: found, args: flags })
  const { executablePath, env } = await unpackChromium()
  return chromium.launch({ executablePath, args: [...flags, '--headless=shell'], env })
}

function findOnPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => path.join(folder, name)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false // not there, or not for us: look further
  }
}

interface Unpacked {
  readonly executablePath: string
  readonly env: Record<string, string>
}

/**
 * Unpacks `@sparticuz/chromium` once for all test processes. The package unpacks into `os.tmpdir()`, trusts whatever
 * `chromium` lies there already, and is not atomic: so each process unpacks into a folder of its own, inside the
 * checkout, and the first one to finish gives it the final name.
 */
async function unpackChromium(): Promise<Unpacked> {
  const packageFolder = path.resolve(fileURLToPath(import.meta.resolve('@sparticuz/chromium')), '../..')
  const { version } = JSON.parse(readFileSync(path.join(packageFolder, 'package.json'), 'utf8')) as { version: string }
  const home = path.resolve(packageFolder, `../../.cache/dwar/chromium-${version}`)
  if (!existsSync(home)) await unpackInto(home)
  return { executablePath: path.join(home, 'chromium'), env: libraryPaths(home) }
}

async function unpackInto(home: string): Promise<void> {
  const mine = `${home}.${randomUUID()}`
  mkdirSync(mine, { recursive: true, mode: 0o700 })
  const before = { ...process.env }
  // it ships the libraries that a bare Debian lacks, for a host that names itself so
  Object.assign(process.env, { TMPDIR: mine, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' })
  try {
    const { default: packed } = await import('@sparticuz/chromium')
    await packed.executablePath()
  } finally {
    restoreEnvironment(before) // importing it sets HOME, FONTCONFIG_PATH and LD_LIBRARY_PATH for the whole process
  }
  try {
    renameSync(mine, home)
  } catch (cause) {
    rmSync(mine, { recursive: true }) // another process was faster; its copy is as good
    if (!existsSync(home)) throw cause
  }
}

function restoreEnvironment(before: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
  Object.assign(process.env, before)
}

function libraryPaths(home: string): Record<string, string> {
  const inherited = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const fonts = existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_PATH: path.join(home, 'fonts') }
  return { ...Object.fromEntries(inherited), ...fonts, LD_LIBRARY_PATH: path.join(home, 'al2023', 'lib') }
}

/**
 * What bars people from a page (axe), a line each. Legacy mode judges in the page itself: our pages have no frames, and the
 * other mode opens a second page every time.
 * @param tags of the rules to look at; default all
 */
export async function barriers(page: Page, tags?: string[]): Promise<string[]> {
  const axe = new AxeBuilder({ page }).setLegacyMode()
  const { violations } = await (tags ? axe.withTags(tags) : axe).analyze()
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

/** Chooses a citizen on the simulator's sign-in page and types the PIN that is printed beside the name. */
export async function signInAtSimulator(page: Page, persona: string): Promise<void> {
  const choice = page.locator('label', { has: page.locator(`input[value=${persona}]`) })
  await choice.click()
  await page.locator('input[name=pin]').fill((await choice.locator('code').textContent()) ?? '')
  await page.getByRole('button', { name: 'Sign in' }).click()
}

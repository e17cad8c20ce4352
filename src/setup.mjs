// Runs before `npm start` and `npm test`, on any Node from 18 on: brings node_modules in line with the lock file and
// checks that the runtime is new enough. Plain JavaScript, because the Node that runs it may not read TypeScript.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = `${root}node_modules/.setup-stamp`
const lock = readFileSync(`${root}package-lock.json`)
const wanted = createHash('sha256')
  .update(lock)
  .update(process.platform + process.arch)
  .digest('hex')

const npmVersion = /npm\/(\d+)/.exec(process.env.npm_config_user_agent ?? '')?.[1]
if (npmVersion && Number(npmVersion) < 9)
  stop(`npm 9 or newer is needed; found ${npmVersion}. Update it: npm install -g npm`)

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) install()
checkRuntime()

function install() {
  console.error('Dwar: installing what is missing (the first time takes about a minute) ...')
  const args = [
    'ci',
    '--include=dev',
    '--include=optional',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  // npm ci deletes node_modules/.bin/node, so it must run under the outer Node, not under the one it is about to delete.
  const { npm_execpath: npm, npm_node_execpath: node = process.execPath } = process.env
  const done = npm
    ? spawnSync(node, [npm, ...args], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: root, stdio: 'inherit' })
  if (done.status !== 0) stop('The installation failed; npm says why above. Nothing was started.', done.status ?? 1)
  writeFileSync(stamp, wanted)
}

function checkRuntime() {
  const version = execFileSync('node', ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim()
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 24 || (major === 24 && minor >= 12)) return
  stop(
    `Node 24.12 or newer is needed; found ${version}, and npm carries none for ${process.platform}-${process.arch}. Install Node 24 and run this again.`,
  )
}

function stop(sentence, status = 1) {
  console.error(sentence)
  process.exit(status)
}

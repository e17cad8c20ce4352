import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const bench = path.resolve(import.meta.dirname, '../../bench')
const modules = readdirSync(bench, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

it('the benchmark’s modules do nothing when they are imported: no output, nothing left open', () => {
  expect(modules).toContain('main.ts')
  const imports = modules.map((file) => `await import(${JSON.stringify(path.join(bench, file))})`)
  const program = `${imports.join('\n')}\nprocess.stdout.write(process.getActiveResourcesInfo().join())`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 50_000,
  })
  expect({ status, stdout: stdout.replace(/PipeWrap|,/g, ''), stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
})

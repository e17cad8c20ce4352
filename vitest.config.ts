import path from 'node:path'
import { defineConfig } from 'vitest/config'
import { HeaviestFirst } from './test/support/heaviest-first.ts'

// Many programs are started, and each would compile all of its modules anew: half of what a short one costs.
process.env.NODE_COMPILE_CACHE ??= path.resolve(import.meta.dirname, 'node_modules/.cache/dwar/compiled')

/**
 * The files of a group share two processes and what these have loaded from npm; our own modules are evaluated anew for each
 * file. Processes end with their group, so that none grows without bound.
 */
const GROUPS = {
  flows: ['flows', 'demo', 'web'],
  protocols: ['admin', 'cli', 'conformance', 'contracts', 'examples', 'limits', 'metrics', 'privacy', 'provider'],
}
const grouped = Object.values(GROUPS).flat().map(filesOf)

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    // Two cores run the tests; more workers only fight over them.
    maxWorkers: 2,
    // A process that is slow to end is waited for; else a complaint follows the closing line.
    teardownTimeout: 120_000,
    sequence: { sequencer: HeaviestFirst },
    projects: [
      ...Object.entries(GROUPS).map(([name, rooms]) => group(name, rooms.map(filesOf))),
      group('rooms', ['test/**/*.test.ts'], grouped),
    ],
  },
})

function group(name: string, include: string[], exclude: string[] = []) {
  return {
    test: {
      name,
      include,
      exclude,
      isolate: false,
      maxWorkers: 2,
      // Nets, not promises: a busy machine takes many times as long as an idle one.
      testTimeout: 60_000,
      hookTimeout: 120_000,
      expect: { requireAssertions: true }, // a test that asserts nothing fails
    },
  }
}

function filesOf(room: string): string {
  return `test/${room}/**/*.test.ts`
}

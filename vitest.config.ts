import path from 'node:path'
import { defineConfig } from 'vitest/config'

// Many programs are started, and each would compile all of its modules anew: half of what a short one costs.
process.env.NODE_COMPILE_CACHE ??= path.resolve(import.meta.dirname, 'node_modules/.cache/dwar/compiled')

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores run the tests; more workers only fight over them.
    maxWorkers: 2,
  },
})

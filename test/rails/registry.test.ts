import { describe, expect, it } from 'vitest'
import type { Rail } from '../../src/rails/rail.ts'
import { createRails } from '../../src/rails/registry.ts'

const digilocker: Rail = {
  id: 'digilocker',
  begin: async () => Promise.reject(new Error('not asked')),
  advance: async () => Promise.reject(new Error('not asked')),
  status: () => ({ paused: false }),
  pullFields: () => undefined,
  readPullFields: () => undefined,
  run: async () => Promise.reject(new Error('not asked')),
  refresh: async () => Promise.reject(new Error('not asked')),
  giveBack: async () => Promise.reject(new Error('not asked')),
}

describe('rail registry', () => {
  it('finds a rail by the id in the callback path', () => {
    expect(createRails([digilocker]).get('digilocker')).toBe(digilocker)
  })

  it.each(['otp', '', 'constructor', '__proto__'])('knows no rail called %j', (id) => {
    expect(createRails([digilocker]).get(id)).toBeUndefined()
  })
})

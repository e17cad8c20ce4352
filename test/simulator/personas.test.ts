import { execFile } from 'node:child_process'
import { request } from 'node:http'
import { promisify } from 'node:util'
import { DOMParser } from '@xmldom/xmldom'
import { describe, expect, it } from 'vitest'
import { lockerOf } from '../../src/simulator/documents.ts'
import { ExpiringMap } from '../../src/simulator/expiring-map.ts'
import { makePdf } from '../../src/simulator/pdf.ts'
import type { Persona } from '../../src/simulator/persona.ts'
import { getPersona, PERSONAS } from '../../src/simulator/personas.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { toCanonical } from '../../src/simulator/xml.ts'
import { bareEnvironment } from '../support/environment.ts'

const NOW = Date.parse('2026-11-24T06:30:00Z') / 1000

/** The check-digit scheme of Aadhaar numbers, written from its definition: the dihedral group of order ten. */
function isVerhoeffValid(digits: string): boolean {
  const times = (a: number, b: number) => {
    const [x, y] = [a % 5, b % 5]
    const turn = a < 5 ? (x + y) % 5 : (x - y + 5) % 5
    return a < 5 === b < 5 ? turn : turn + 5
  }
  const permute = (digit: number, position: number) => {
    let value = digit
    for (let step = 0; step < position % 8; step += 1) value = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4][value] ?? 0
    return value
  }
  return [...digits].reverse().reduce((sum, digit, index) => times(sum, permute(Number(digit), index)), 0) === 0
}

const textOf = (persona: Persona) =>
  lockerOf(persona, NOW).map(({ uri, xml, pdf }) => `${uri}\n${xml ? toCanonical(xml) : ''}\n${JSON.stringify(pdf)}`)
const doctypesOf = (id: string) => lockerOf(getPersona(id), NOW).map(({ doctype }) => doctype)
const xmlOf = (id: string, wanted: string) => {
  const xml = lockerOf(getPersona(id), NOW).find(({ doctype }) => doctype === wanted)?.xml
  return xml ? toCanonical(xml) : ''
}

describe('invented data', () => {
  it('checks Verhoeff digits as published: 2363 is valid, 2364 is not', () => {
    expect([isVerhoeffValid('2363'), isVerhoeffValid('2364')]).toEqual([true, false])
  })

  it.each(PERSONAS.map((persona) => [persona.id, persona] as const))(
    'holds no twelve digits that could be an Aadhaar number: %s',
    (_id, persona) => {
      const text = [...textOf(persona), JSON.stringify(persona)].join('\n')
      const runs = text.match(/(?<!\d)\d{12}(?!\d)/g) ?? []
      expect(runs.filter(isVerhoeffValid)).toEqual([])
    },
  )

  it('uses numbers that cannot have been issued: PAN and licence serials of zero, masked Aadhaar', () => {
    for (const persona of PERSONAS) {
      if (persona.pan) expect(persona.pan.number).toMatch(/^ZZ[A-Z]P[A-Z]0000[A-Z]$/)
      if (persona.licence) expect(persona.licence.number).toMatch(/^[A-Z]{2}00\d{4}0{7}$/)
      if (persona.email) expect(persona.email).toMatch(/@example\.in$/)
      if (persona.aadhaar) expect(xmlOf(persona.id, 'ADHAR')).toContain(`uid="xxxxxxxx${persona.aadhaar.lastFour}"`)
    }
  })

  it('gives every persona an id, PIN and DigiLocker id of its own', () => {
    for (const member of ['id', 'pin', 'digilockerId', 'username', 'ssoId'] as const) {
      expect(new Set(PERSONAS.map((persona) => persona[member])).size).toBe(PERSONAS.length)
    }
  })
})

describe('personas', () => {
  it.each([
    ['asha', ['ADHAR', 'PANCR', 'DRVLC']],
    ['bala', ['PANCR', 'DRVLC']],
    ['charu', ['ADHAR', 'PANCR', 'DRVLC']],
    ['dev', ['PANCR', 'DRVLC']],
    ['esha', ['ADHAR']],
    ['meenakshi', ['ADHAR', 'PANCR', 'DRVLC']],
    ['george', ['ADHAR', 'DRVLC']],
  ])('%s has %j', (id, doctypes) => {
    expect(doctypesOf(id)).toEqual(doctypes)
  })

  it('charu: the licence has expired', () => {
    const [, day, month, year] = /expiryDate="(\d\d)-(\d\d)-(\d{4})"/.exec(xmlOf('charu', 'DRVLC')) ?? []
    expect(Date.parse(`${year}-${month}-${day}`) / 1000).toBeLessThan(NOW)
  })

  it('dev: documents are PDF only', () => {
    for (const document of lockerOf(getPersona('dev'), NOW)) {
      expect(document.mime).toEqual(['application/pdf'])
      expect(document.xml).toBeUndefined()
      expect(document.pdf?.rows).toContainEqual(['Name', expect.stringMatching(/^dev rathore$/i)])
    }
  })

  it('esha: is under eighteen until 2037', () => {
    expect(getPersona('esha').birthdate > '2019-01-01').toBe(true)
  })

  it('meenakshi: Aadhaar carries her name in Tamil', () => {
    expect(xmlOf('meenakshi', 'ADHAR')).toMatch(/<LData [^>]*lang="20"[^>]* name="[\u0B80-\u0BFF ]+"/)
  })

  it('george: Aadhaar knows the year only, and the licence is not active', () => {
    expect(xmlOf('george', 'ADHAR')).toContain('<Poi dob="1951" ')
    expect(xmlOf('george', 'DRVLC')).toContain('status="Suspended"')
  })
})

describe('documents — documents-and-signatures.md §§1.3–1.6', () => {
  const parse = (xml: string) => new DOMParser().parseFromString(xml, 'text/xml')

  it('puts KycRes under a bare root, a cached answer that is valid for a year', () => {
    const xml = parse(xmlOf('asha', 'ADHAR'))
    expect(xml.documentElement?.attributes).toHaveLength(0)
    const kyc = xml.getElementsByTagName('KycRes')[0]
    expect(kyc?.getAttribute('ts')).toBe('2026-11-06T12:00:00.000+05:30')
    expect(kyc?.getAttribute('ttl')).toBe('2027-11-06T12:00:00')
    expect(kyc?.getAttribute('txn')).toMatch(/^UKC:[0-9a-f]{32}20261106120000$/)
    expect(kyc?.getElementsByTagName('UidData')[0]?.getAttribute('tkn')).toMatch(/^[0-9a-f]{72}$/)
    const photo = Buffer.from(kyc?.getElementsByTagName('Pht')[0]?.textContent ?? '', 'base64')
    expect([photo.subarray(0, 3).toString('hex'), photo.subarray(-2).toString('hex')]).toEqual(['ffd8ff', 'ffd9'])
  })

  it('prints PAN in capitals, with the number twice and an empty photo', () => {
    const xml = xmlOf('asha', 'PANCR')
    expect(xml).toContain('name="ASHA VERMA"')
    expect(xml).toContain('<PAN num="ZZAPV0000A" verifiedOn="02-11-2019 11:05:42"></PAN>')
    expect(xml).toContain('number="ZZAPV0000A"')
    expect(xml).toContain('<Photo format=""></Photo>')
  })

  it('nests vehicle classes and gives both addresses of a licence', () => {
    const xml = parse(xmlOf('asha', 'DRVLC'))
    const classes = [...xml.getElementsByTagName('Category')].map((node) => node.getAttribute('abbreviation'))
    expect(classes).toEqual(['MCWG', 'LMV'])
    const person = xml.getElementsByTagName('Person')[0]
    const types = [...(person?.getElementsByTagName('Address') ?? [])].map((node) => node.getAttribute('type'))
    expect(types).toEqual(['present', 'permanent'])
  })

  it('writes well-formed XML whatever a name or an address holds', () => {
    const person = parse(xmlOf('george', 'DRVLC')).getElementsByTagName('Person')[0]
    expect(person?.getAttribute('swd')).toBe("Anthony D'Souza & Sons")
    expect(person?.getElementsByTagName('Address')[0]?.getAttribute('house')).toBe('"Casa Teste" <Upper>')
  })

  it('makes PDFs whose cross-reference table points at their objects', () => {
    const page = { title: 'A title', issuer: 'An office', rows: [['Name', 'A (b) \\ \u{1F600}']] as const }
    const pdf = makePdf(page).toString('latin1')
    expect(pdf).toContain('(A \\(b\\) \\\\ ?) Tj')
    const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(pdf)?.[1])
    expect(pdf.slice(start, start + 5)).toBe('xref\n')
    for (const [index, line] of [...pdf.matchAll(/^(\d{10}) 00000 n $/gm)].entries()) {
      expect(pdf.slice(Number(line[1])).startsWith(`${index + 1} 0 obj`)).toBe(true)
    }
  })
})

describe('what is kept in memory', () => {
  it('ends by itself', () => {
    let now = 0
    const map = new ExpiringMap<string>(() => now)
    map.set('a', 'x', 10)
    now = 9
    expect(map.get('a')).toBe('x')
    now = 10
    expect(map.get('a')).toBeUndefined()
  })

  it('stays bounded: the ended make room first, then the oldest', () => {
    let now = 0
    const map = new ExpiringMap<number>(() => now, 3)
    map.set('oldest', 1, 100)
    map.set('short', 2, 5)
    map.set('third', 3, 100)
    now = 6
    map.set('fourth', 4, 100)
    expect([map.size, map.get('oldest'), map.get('short')]).toEqual([3, 1, undefined])
    map.set('fifth', 5, 100)
    expect([map.size, map.get('oldest'), map.get('fifth')]).toEqual([3, undefined, 5])
  })
})

describe('the program', () => {
  const run = (args: string[], env: Record<string, string> = {}) =>
    promisify(execFile)(process.execPath, ['src/simulator/main.ts', ...args], {
      env: { ...bareEnvironment, ...env },
    })

  it('refuses to start in production', async () => {
    const started = run(['--port', '0', '--control-port', '0'], { NODE_ENV: 'production' })
    await expect(started).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('production') })
  })

  it.each([[['--port', '70000']], [['--colour', 'red']]])('refuses %j', async (args) => {
    await expect(run(args)).rejects.toMatchObject({ code: 1 })
  })

  it('explains itself', async () => {
    expect((await run(['--help'])).stdout).toContain('--control-port')
  })

  it('starts, says where it is, and stops on SIGTERM', async () => {
    const child = run(['--port', '0', '--control-port', '0'])
    const url = await new Promise<string>((resolve) => {
      let said = ''
      child.child.stdout?.on('data', (text: string) => {
        said += text
        const found = /at (http:\/\/127\.0\.0\.1:\d+)\n/.exec(said)?.[1]
        if (found) resolve(found)
      })
    })
    expect((await fetch(url)).status).toBe(200)
    child.child.kill('SIGTERM')
    expect((await child).stderr).toBe('')
  }, 120_000)

  it('answers the control port under the names of this machine only', async () => {
    await using simulator = await startSimulator({ rootBits: 2048 })
    const status = await new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: simulator.controlUrl.port, path: '/control/trust' }
      request({ ...options, headers: { host: 'evil.test' } }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })
    expect(status).toBe(421)
  })
})

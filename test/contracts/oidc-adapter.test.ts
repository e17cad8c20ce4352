import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { errors } from 'oidc-provider'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sweep } from '../../adapters/sweep.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import {
  aClient,
  aConsent,
  anAttempt,
  grantedPart,
  insertConsent,
  type Kit,
  makeGrant,
  makeInteraction,
  makeToken,
  NOW,
  newBearer,
  openKit,
} from './kit.ts'

const TABLES = [
  'oidc_grant',
  'oidc_model',
  'refresh_repeat',
  'client',
  'data_key',
  'account',
  'upstream_token',
  'upstream_session',
  'rail_attempt',
  'rail_credential',
  'consent',
  'consent_value',
  'event',
  'signing_key',
]

/** Every row of every table as text, bytes as hexadecimal and as they are. */
async function dump(kit: Kit): Promise<string> {
  const texts: string[] = []
  for (const table of TABLES) {
    const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.table(table)} t`.execute(
      kit.database.db(),
    )
    for (const { row } of rows)
      texts.push(
        row,
        row.replace(/\\+x([0-9a-f]+)/g, (_, hex) => Buffer.from(hex, 'hex').toString('latin1')),
      )
  }
  return texts.join('\n')
}

describeOnEachDatabase('oidc adapter', (open) => {
  let kit: Kit
  beforeAll(async () => {
    kit = await openKit(open)
    await kit.vault.seal('system', { table: 't', column: 'c', row: 'r' }, 'warm') // the system key is made
  })
  beforeEach(() => kit.travelTo(NOW))

  describe('consume — RFC 6749 §4.1.2, RFC 9700 §4.14.2', () => {
    it.each(['AuthorizationCode', 'RefreshToken', 'DeviceCode', 'BackchannelAuthenticationRequest'])(
      'lets one of twenty racing uses of a %s through, and ends the family',
      async (model) => {
        const grantId = await makeGrant(kit)
        const id = await makeToken(kit, model, grantId)
        const sibling = await makeToken(kit, 'AccessToken', grantId)
        const uses = await Promise.allSettled(Array.from({ length: 20 }, () => kit.adapter(model).consume(id)))
        expect(uses.filter((use) => use.status === 'fulfilled')).toHaveLength(1)
        for (const use of uses) if (use.status === 'rejected') expect(use.reason).toBeInstanceOf(errors.InvalidGrant)
        for (const [kind, value] of [
          [model, id],
          ['AccessToken', sibling],
          ['Grant', grantId],
        ] as const) {
          expect(await kit.adapter(kind).find(value)).toBeUndefined()
        }
        const history = (await kit.storage.events.history({ accountId: 'acct-1' })).filter(
          (event) => event.grantId === grantId,
        )
        expect(history.filter((event) => event.body.type === 'token.reused')).toMatchObject([
          { body: { model }, clientId: 'shop' },
        ])
        expect(history.filter((event) => event.body.type === 'grant.revoked')).toMatchObject([
          { body: { reason: 'reuse' } },
        ])
      },
    )

    it('refuses tokens that the winner is still issuing after the family was ended', async () => {
      const grantId = await makeGrant(kit)
      const code = await makeToken(kit, 'AuthorizationCode', grantId)
      await kit.adapter('AuthorizationCode').consume(code)
      await expect(kit.adapter('AuthorizationCode').consume(code)).rejects.toBeInstanceOf(errors.InvalidGrant)
      await expect(makeToken(kit, 'AccessToken', grantId)).rejects.toBeInstanceOf(errors.InvalidGrant)
    })

    it('refuses the second use of a pushed request, which has no family', async () => {
      const par = kit.adapter('PushedAuthorizationRequest')
      const id = newBearer()
      await par.upsert(id, { request: 'jwt', exp: NOW + 60 }, 60)
      const uses = await Promise.allSettled(Array.from({ length: 5 }, () => par.consume(id)))
      expect(uses.filter((use) => use.status === 'fulfilled')).toHaveLength(1)
      for (const use of uses) if (use.status === 'rejected') expect(use.reason).toBeInstanceOf(errors.InvalidRequestUri)
    })

    it('lets one of twenty resumes take an interaction', async () => {
      const interactions = kit.adapter('Interaction')
      const id = newBearer()
      await interactions.upsert(id, { jti: id, exp: NOW + 60, result: {} }, 60)
      const uses = await Promise.allSettled(Array.from({ length: 20 }, () => interactions.destroy(id)))
      expect(uses.filter((use) => use.status === 'fulfilled')).toHaveLength(1)
      for (const use of uses) if (use.status === 'rejected') expect(use.reason).toBeInstanceOf(errors.SessionNotFound)
    })

    it('shows the time of use, which an update does not clear', async () => {
      const device = kit.adapter('DeviceCode')
      const id = newBearer()
      const payload = { clientId: 'shop', userCode: 'BDWP-HQPK', jti: id, exp: NOW + 600 }
      await device.upsert(id, payload, 600)
      expect(await device.find(id)).not.toHaveProperty('consumed')
      await device.consume(id)
      await device.upsert(id, { ...payload, error: 'access_denied' }, 600)
      expect(await device.find(id)).toMatchObject({ consumed: NOW, error: 'access_denied' })
    })
  })

  describe('what is kept', () => {
    it.each([
      'AccessToken',
      'AuthorizationCode',
      'RefreshToken',
      'ClientCredentials',
      'Interaction',
      'PushedAuthorizationRequest',
      'InitialAccessToken',
    ])('gives a %s back as it came', async (model) => {
      const id = newBearer()
      const grantId = await makeGrant(kit)
      const payload = {
        jti: id,
        kind: model,
        clientId: 'shop',
        accountId: 'acct-1',
        grantId,
        iat: NOW,
        exp: NOW + 60,
        claims: { userinfo: { name: null } },
      }
      await kit.adapter(model).upsert(id, payload, 60)
      expect(await kit.adapter(model).find(id)).toEqual(payload)
      await kit.adapter(model).destroy(id)
      expect(await kit.adapter(model).find(id)).toBeUndefined()
    })

    it('does not take one kind of token for another', async () => {
      const token = await makeToken(kit, 'AccessToken', await makeGrant(kit))
      expect(await kit.adapter('RefreshToken').find(token)).toBeUndefined()
      expect(await kit.adapter('ReplayDetection').find(token)).toBeUndefined()
    })

    it('does not hang an interaction on the grant it may extend', async () => {
      const id = newBearer()
      await kit.adapter('Interaction').upsert(id, { grantId: 'a grant that is gone', exp: NOW + 60 }, 60)
      expect(await kit.adapter('Interaction').find(id)).toMatchObject({ grantId: 'a grant that is gone' })
    })

    it('finds a device code by its user code with the value to save it by', async () => {
      const id = newBearer()
      await kit
        .adapter('DeviceCode')
        .upsert(id, { jti: id, userCode: 'WDJB-MJHT', clientId: 'shop', exp: NOW + 60 }, 60)
      expect(await kit.adapter('DeviceCode').findByUserCode('WDJB-MJHT')).toMatchObject({ jti: id, clientId: 'shop' })
      expect(await kit.adapter('DeviceCode').findByUserCode('XXXX-XXXX')).toBeUndefined()
    })

    it('finds what has expired until the clock tolerance is over, for the engine to judge', async () => {
      const id = newBearer()
      await kit.adapter('Interaction').upsert(id, { exp: NOW + 60 }, 60)
      kit.travelTo(NOW + 74)
      expect(await kit.adapter('Interaction').find(id)).toBeDefined()
      kit.travelTo(NOW + 75)
      expect(await kit.adapter('Interaction').find(id)).toBeUndefined()
    })

    it('holds no bearer value in clear, nor anything of a payload that was sealed', async () => {
      const grantId = await makeGrant(kit)
      const session = { id: newBearer(), uid: newBearer() }
      await kit
        .adapter('Session')
        .upsert(session.id, { jti: session.id, uid: session.uid, accountId: 'acct-1', exp: NOW + 60 }, 60)
      const bearers = [session.id]
      for (const model of ['AccessToken', 'AuthorizationCode', 'RefreshToken']) {
        bearers.push(await makeToken(kit, model, grantId, { nonce: 'canary-nonce' }))
      }
      for (const model of ['Interaction', 'PushedAuthorizationRequest', 'DeviceCode', 'ReplayDetection']) {
        const id = newBearer()
        bearers.push(id)
        const payload = {
          jti: id,
          userCode: 'CANARY-CODE',
          session: { uid: session.uid, cookie: session.id },
          params: { state: 'canary-state' },
        }
        await kit.adapter(model).upsert(id, { ...payload, exp: NOW + 60 }, 60)
      }
      await kit.storage.insertReplay('canary-issuer', 'canary-jti', NOW + 60)
      const text = await dump(kit)
      expect(text).toContain(session.uid) // the search sees what is there
      for (const secret of [...bearers, 'canary', 'CANARY-CODE']) expect(text).not.toContain(secret)
      const [interaction] = bearers.slice(4)
      expect(await kit.adapter('Interaction').find(interaction ?? '')).toMatchObject({ session: { uid: session.uid } })
    })

    it('does not open a payload that was moved to another row', async () => {
      const [a, b] = [newBearer(), newBearer()]
      for (const id of [a, b]) await kit.adapter('Interaction').upsert(id, { returnTo: id, exp: NOW + 60 }, 60)
      await sql`update oidc_model set sealed_payload = (select sealed_payload from oidc_model where id = sha256(${a}::text::bytea))
        where id = sha256(${b}::text::bytea)`.execute(kit.database.db())
      await expect(kit.adapter('Interaction').find(b)).rejects.toMatchObject({ code: 'VAULT_SEAL_BROKEN' })
    })

    it('refuses a null byte inside a payload, sealed or not', async () => {
      const payload = { params: { state: 'a\0b' }, clientId: 'shop', exp: NOW + 60 }
      for (const model of ['Interaction', 'Session', 'Grant']) {
        await expect(kit.adapter(model).upsert(newBearer(), payload, 60)).rejects.toMatchObject({
          code: 'STORE_INPUT_REFUSED',
        })
      }
    })
  })

  describe('events', () => {
    it.each([
      ['AuthorizationCode', ['code.issued', 'code.redeemed']],
      ['RefreshToken', ['refresh_token.issued', 'refresh_token.rotated']],
    ])('are in the statement of the act: %s', async (model, types) => {
      const grantId = await makeGrant(kit)
      kit.statements()
      const id = await makeToken(kit, model, grantId)
      await kit.adapter(model).consume(id)
      expect(kit.statements()).toHaveLength(2)
      const history = (await kit.storage.events.history({ accountId: 'acct-1' })).filter(
        (event) => event.grantId === grantId,
      )
      expect(history.map((event) => event.body.type)).toEqual(types)
      expect(history[1]).toMatchObject({ at: NOW, clientId: 'shop', accountId: 'acct-1', grantId })
    })

    it('tell of an access token, also of a client on its own behalf', async () => {
      const grantId = await makeGrant(kit)
      await makeToken(kit, 'AccessToken', grantId)
      const id = newBearer()
      await kit.adapter('ClientCredentials').upsert(id, { clientId: 'robot', exp: NOW + 60 }, 60)
      expect(await kit.storage.events.history({ clientId: 'robot', type: 'access_token.issued' })).toHaveLength(1)
      const ofGrant = (await kit.storage.events.history({ type: 'access_token.issued' })).filter(
        (event) => event.grantId === grantId,
      )
      expect(ofGrant).toHaveLength(1)
    })

    it('tell nothing of an act that changed nothing', async () => {
      const before = await kit.eventTypes()
      await kit.adapter('Grant').destroy('no such grant')
      await expect(kit.adapter('RefreshToken').consume('no such token')).rejects.toBeInstanceOf(errors.InvalidGrant)
      expect(await kit.eventTypes()).toEqual(before)
    })
  })

  describe('revokeByGrantId', () => {
    it('ends the whole family in one statement, however many models ask within one request', async () => {
      const grantId = await makeGrant(kit)
      const family: [string, string][] = []
      for (const model of ['AuthorizationCode', 'AccessToken', 'RefreshToken'])
        family.push([model, await makeToken(kit, model, grantId)])
      kit.statements()
      await kit.inRequest(() =>
        Promise.all([
          ...family.map(([model]) => kit.adapter(model).revokeByGrantId(grantId)),
          kit.adapter('Grant').destroy(grantId),
        ]),
      )
      expect(kit.statements()).toHaveLength(1)
      for (const [model, id] of family) expect(await kit.adapter(model).find(id)).toBeUndefined()
      const revoked = (await kit.storage.events.history({ type: 'grant.revoked' })).filter(
        (event) => event.grantId === grantId,
      )
      expect(revoked).toMatchObject([{ body: { reason: 'other' }, accountId: 'acct-1', clientId: 'shop' }])
    })

    it('is not forgotten by what the request had read before', async () => {
      const grantId = await makeGrant(kit)
      const token = await makeToken(kit, 'AccessToken', grantId)
      await kit.inRequest(async () => {
        expect(await kit.adapter('AccessToken').find(token)).toBeDefined()
        expect(await kit.adapter('Grant').find(grantId)).toBeDefined()
        await kit.adapter('AccessToken').revokeByGrantId(grantId)
        expect(await kit.adapter('AccessToken').find(token)).toBeUndefined()
        expect(await kit.adapter('Grant').find(grantId)).toBeUndefined()
      })
    })
  })

  describe('round trips', () => {
    it('reads a token with its grant, session and consent in one', async () => {
      const grantId = await makeGrant(kit)
      const uid = newBearer()
      await kit
        .adapter('Session')
        .upsert(newBearer(), { uid, accountId: 'acct-1', authorizations: { shop: { grantId } }, exp: NOW + 60 }, 60)
      const consent = aConsent(grantId)
      await insertConsent(kit, consent, Buffer.from('sealed values'))
      const token = await makeToken(kit, 'AccessToken', grantId, { sessionUid: uid })
      kit.statements()
      await kit.inRequest(async () => {
        expect(await kit.adapter('AccessToken').find(token)).toMatchObject({ jti: token, grantId })
        expect(await kit.adapter('Grant').find(grantId)).toMatchObject({ jti: grantId, accountId: 'acct-1' })
        expect(await kit.adapter('Session').findByUid(uid)).toMatchObject({
          uid,
          authorizations: { shop: { grantId } },
        })
        expect(await kit.storage.consents.findByGrant(grantId)).toEqual({
          ...grantedPart(consent),
          sealedValues: Buffer.from('sealed values'),
        })
        expect(await kit.adapter('AccessToken').find(token)).toBeDefined()
      })
      expect(kit.statements()).toHaveLength(1)
    })

    it('asks once for a value that may be any kind of token', async () => {
      const token = await makeToken(kit, 'RefreshToken', await makeGrant(kit))
      kit.statements()
      const found = await kit.inRequest(() =>
        Promise.all(
          ['AccessToken', 'ClientCredentials', 'RefreshToken'].map((model) => kit.adapter(model).find(token)),
        ),
      )
      expect(kit.statements()).toHaveLength(1)
      expect(found.map((payload) => payload !== undefined)).toEqual([false, false, true])
    })

    it('remembers nothing from one request to the next', async () => {
      const token = await makeToken(kit, 'AccessToken', await makeGrant(kit))
      for (const _request of [1, 2]) {
        kit.statements()
        await kit.inRequest(() => kit.adapter('AccessToken').find(token))
        expect(kit.statements()).toHaveLength(1)
      }
    })

    it('hands out objects of its own, for the engine changes what it is given', async () => {
      const grantId = await makeGrant(kit)
      await kit.inRequest(async () => {
        const first = await kit.adapter('Grant').find(grantId)
        Object.assign(first ?? {}, { accountId: 'changed' })
        expect(await kit.adapter('Grant').find(grantId)).toMatchObject({ accountId: 'acct-1' })
      })
    })

    it('reads the tokens of requests that come together in one statement, and alone inside a transaction', async () => {
      const tokens = await Promise.all(
        Array.from({ length: 5 }, async () => makeToken(kit, 'AccessToken', await makeGrant(kit))),
      )
      const read = () => Promise.all([...tokens, newBearer()].map((token) => kit.adapter('AccessToken').find(token)))
      kit.statements()
      const found = await read()
      expect(kit.statements()).toHaveLength(1)
      expect(found.map((payload) => payload?.jti)).toEqual([...tokens, undefined])
      await kit.database.transact(async () => {
        kit.statements()
        expect(await kit.adapter('AccessToken').find(tokens[0] ?? '')).toMatchObject({ jti: tokens[0] })
        expect(kit.statements()).toHaveLength(1)
      })
    })

    it('sees what the request itself has written', async () => {
      const grantId = await makeGrant(kit)
      const token = await makeToken(kit, 'RefreshToken', grantId)
      await kit.inRequest(async () => {
        await kit.adapter('RefreshToken').find(token)
        await kit.adapter('RefreshToken').consume(token)
        expect(await kit.adapter('RefreshToken').find(token)).toMatchObject({ consumed: NOW })
        await kit.adapter('Grant').upsert(grantId, { clientId: 'shop', accountId: 'acct-2', exp: NOW + 60 }, 60)
        expect(await kit.adapter('Grant').find(grantId)).toMatchObject({ accountId: 'acct-2' })
        await kit.adapter('RefreshToken').destroy(token)
        expect(await kit.adapter('RefreshToken').find(token)).toBeUndefined()
      })
    })
  })

  describe('Session', () => {
    const save = (id: string, more: object) =>
      kit.adapter('Session').upsert(id, { jti: id, uid: `uid-of-${id}`, exp: NOW + 60, ...more }, 60)
    const authorizations = async (id: string) => (await kit.adapter('Session').find(id))?.authorizations

    it('keeps the authorizations of two logins that were saved at once', async () => {
      const id = newBearer()
      await save(id, { accountId: 'a', authorizations: { old: { sid: '0' } } })
      await Promise.all(
        ['one', 'two'].map((client) =>
          save(id, { accountId: 'a', authorizations: { old: { sid: '0' }, [client]: { sid: client } } }),
        ),
      )
      expect(await authorizations(id)).toEqual({ old: { sid: '0' }, one: { sid: 'one' }, two: { sid: 'two' } })
    })

    it('writes only what the request changed over what another has saved meanwhile', async () => {
      const id = newBearer()
      await save(id, { accountId: 'a', authorizations: { one: { grantId: 'g1' }, gone: {} } })
      await kit.inRequest(async () => {
        const session = await kit.adapter('Session').find(id)
        const other = kit.database.hot(
          'test_meanwhile',
          `update oidc_model set payload =
          jsonb_set(payload, '{authorizations,one,grantId}', '"g2"') where id = $1 and model = 'Session'`,
          [(await sql<{ id: Buffer }>`select sha256(${id}::text::bytea) as id`.execute(kit.database.db())).rows[0]?.id],
        )
        await other
        const { gone: _gone, ...rest } = session?.authorizations ?? {}
        await save(id, { accountId: 'a', authorizations: { ...rest, two: { grantId: 'g3' } } })
      })
      expect(await authorizations(id)).toEqual({ one: { grantId: 'g2' }, two: { grantId: 'g3' } })
    })

    it('stays ended when a request that had read it saves it again (security.md BR-1)', async () => {
      const id = newBearer()
      await save(id, { accountId: 'a' })
      await kit.inRequest(async () => {
        await kit.adapter('Session').find(id)
        await kit.database.hot('test_end', `delete from oidc_model where model = 'Session' and uid = $1`, [
          `uid-of-${id}`,
        ])
        await save(id, { accountId: 'a' })
      })
      expect(await kit.adapter('Session').find(id)).toBeUndefined()
    })

    it('replaces the session of another person', async () => {
      const id = newBearer()
      await save(id, { accountId: 'a', authorizations: { one: { sid: '1' } } })
      await save(id, { accountId: 'b', authorizations: { two: { sid: '2' } } })
      expect(await authorizations(id)).toEqual({ two: { sid: '2' } })
    })

    it('is, of two rows with one uid, the newer one; and ends with both', async () => {
      const [old, young] = [newBearer(), newBearer()]
      const uid = randomUUID()
      await save(old, { uid, accountId: 'old' })
      await save(young, { uid, accountId: 'young' })
      expect(await kit.adapter('Session').findByUid(uid)).toMatchObject({ accountId: 'young' })
      await kit.adapter('Session').destroy(old)
      expect(await kit.adapter('Session').findByUid(uid)).toBeUndefined()
      expect(await kit.adapter('Session').find(young)).toBeUndefined()
    })

    it('is given back as it came', async () => {
      const id = newBearer()
      const payload = {
        jti: id,
        uid: 'u',
        accountId: 'a',
        loginTs: NOW,
        amr: ['x'],
        authorizations: { c: { sid: 's' } },
        exp: NOW + 60,
        iat: NOW,
        kind: 'Session',
      }
      await kit.adapter('Session').upsert(id, payload, 60)
      expect(await kit.adapter('Session').find(id)).toEqual(payload)
    })
  })

  describe('Client', () => {
    it('comes with its secret opened and its keys in one order', async () => {
      const place = { table: 'client', column: 'sealed_secret', row: 'secretive' }
      const sealedSecret = await kit.vault.seal('system', place, 'a client secret')
      await kit.storage.clients.put(aClient('secretive', { sealedSecret }), {
        body: { type: 'client.added' },
        clientId: 'secretive',
      })
      const texts = await Promise.all(
        [1, 2, 3].map(async () => JSON.stringify(await kit.adapter('Client').find('secretive'))),
      )
      expect(new Set(texts).size).toBe(1)
      expect(JSON.parse(texts[0] ?? '')).toEqual({
        client_id: 'secretive',
        client_name: 'Shop',
        redirect_uris: ['https://shop.test/cb'],
        client_secret: 'a client secret',
      })
    })

    it('is not written by the engine', async () => {
      await expect(kit.adapter('Client').upsert('x', {}, 1)).rejects.toThrow(TypeError)
      await expect(kit.adapter('Client').destroy('x')).rejects.toThrow(TypeError)
    })
  })

  describe('insertReplay — RFC 7523 §3, RFC 9449 §11.1', () => {
    it('is true for exactly one of twenty uses at once, and for each issuer', async () => {
      const uses = await Promise.all(
        Array.from({ length: 20 }, () => kit.storage.insertReplay('issuer', 'jti-1', NOW + 60)),
      )
      expect(uses.filter(Boolean)).toHaveLength(1)
      expect(await kit.storage.insertReplay('issue', 'rjti-1', NOW + 60)).toBe(true)
    })
  })

  describe('sweep', () => {
    it('deletes what has expired in batches, and keeps consumed rows until then', async () => {
      await sql`delete from oidc_model`.execute(kit.database.db())
      await sql`delete from oidc_grant`.execute(kit.database.db())
      const grantId = await makeGrant(kit) // until NOW + 1000
      const used = await makeToken(kit, 'RefreshToken', grantId) // until NOW + 600
      await kit.adapter('RefreshToken').consume(used)
      for (let n = 0; n < 5; n += 1) await kit.adapter('Interaction').upsert(newBearer(), { exp: NOW + 60 }, 60)
      await kit.adapter('InitialAccessToken').upsert(newBearer(), {}, undefined)
      const interactionUid = await makeInteraction(kit, undefined, { exp: NOW + 60 })
      const attempt = anAttempt({ interactionUid, expiresAt: NOW + 60 })
      await kit.storage.attempts.open(attempt, { body: { type: 'client.changed' } })
      expect(await sweep(kit.database, NOW + 119, 2)).toEqual({ models: 0, grants: 0, attempts: 0 })
      kit.statements()
      expect(await sweep(kit.database, NOW + 121, 2)).toEqual({ models: 6, grants: 0, attempts: 1 })
      expect(kit.statements()).toHaveLength(4 + 1 + 1 + 1) // the last for posted requests
      expect(await kit.adapter('RefreshToken').find(used)).toMatchObject({ consumed: NOW })
      expect(await sweep(kit.database, NOW + 2000, 100)).toEqual({ models: 1, grants: 1, attempts: 0 })
      const left = await kit.database.db().selectFrom('oidc_model').select('model').execute()
      expect(left).toEqual([{ model: 'InitialAccessToken' }])
    })
  })
})

import { errors, Provider } from 'oidc-provider'
import { isShallow } from './identity-assurance/syntax.ts'

/** Far deeper than any request of use, far from what breaks a stack. */
const LEVELS = 64

const REQUEST_ROUTES: readonly (string | undefined)[] = ['authorization', 'pushed_authorization_request']

/**
 * Refuses a request object or a client assertion that is nested too deep, before the engine copies it, the former even before
 * it looks at the signature: a stack that runs full would be a failure of ours (security.md SE-7). At the moment the client
 * is looked up, which comes first at every endpoint; there is no earlier word for us.
 */
export function refuseDeepJwts(provider: Provider): void {
  const find = provider.Client.find.bind(provider.Client)
  Object.assign(provider.Client, {
    async find(id: string) {
      const { oidc } = Provider.ctx ?? {}
      const given = (name: string) => oidc?.params?.[name] ?? oidc?.body?.[name]
      if (REQUEST_ROUTES.includes(oidc?.route) && isDeep(given('request')))
        throw new errors.InvalidRequestObject('the Request Object is nested too deep')
      if (isDeep(given('client_assertion'))) throw new errors.InvalidClientAuth('the assertion is nested too deep')
      return find(id)
    },
  })
}

const isDeep = (jwt: unknown): boolean => typeof jwt === 'string' && !isShallow(payloadOf(jwt), LEVELS)

/** What cannot be read is the engine's to refuse. */
function payloadOf(jwt: string): unknown {
  try {
    return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'))
  } catch {
    return undefined // refused as `invalid_request_object` or `invalid_client` by the engine
  }
}

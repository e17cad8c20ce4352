import { errors, Provider } from 'oidc-provider'
import { isShallow } from './identity-assurance/syntax.ts'

/** Far deeper than any request of use, far from what breaks a stack. */
const LEVELS = 64

const ROUTES: readonly (string | undefined)[] = ['authorization', 'pushed_authorization_request']

/**
 * Refuses a request object that is nested too deep, before the engine copies it, which it does before it looks at the
 * signature: a stack that runs full would be a failure of ours (security.md SE-7). At the moment the client is looked up,
 * which comes first at both endpoints; there is no earlier word for us.
 */
export function refuseDeepRequestObjects(provider: Provider): void {
  const find = provider.Client.find.bind(provider.Client)
  Object.assign(provider.Client, {
    async find(id: string) {
      const { oidc } = Provider.ctx ?? {}
      const request = oidc?.params?.request ?? oidc?.body?.request
      if (ROUTES.includes(oidc?.route) && typeof request === 'string' && !isShallow(payloadOf(request), LEVELS))
        throw new errors.InvalidRequestObject('the Request Object is nested too deep')
      return find(id)
    },
  })
}

/** What cannot be read is the engine's to refuse. */
function payloadOf(jwt: string): unknown {
  try {
    return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'))
  } catch {
    return undefined // refused as `invalid_request_object` by the engine
  }
}

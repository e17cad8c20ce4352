import type { Configuration } from 'oidc-provider'
import type { IssuerParts } from './issuer.ts'

/** Sign-out on our own pages, of which other apps of the session are told (`back-channel-logout.ts`). */
export function toLogout({
  pages,
}: IssuerParts): Pick<NonNullable<Configuration['features']>, 'rpInitiatedLogout' | 'backchannelLogout'> {
  return {
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => pages.signOut(ctx, attribute(form, 'action'), attribute(form, 'value')),
      postLogoutSuccessSource: (ctx) => pages.signedOut(ctx),
    },
  }
}

/** The engine hands over its sign-out form as HTML of its own making; our page prints the two values in our own form. */
function attribute(form: string, name: 'action' | 'value'): string {
  const found = new RegExp(`${name}="([^"]*)"`).exec(form)?.[1]
  if (found === undefined) throw new TypeError(`the engine's sign-out form has no ${name}`)
  return found
}

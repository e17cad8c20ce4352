// A single-page app: no server of its own, no secret. Everything happens in the browser.
import { UserManager, WebStorageStateStore } from 'oidc-client-ts'

const { issuer, clientId } = await (await fetch('/settings.json')).json()

/** Name and birth date, with the proof that they come from a signed driving licence. */
const claims = {
  userinfo: {
    verified_claims: {
      verification: {
        trust_framework: { value: 'in_digilocker' },
        evidence: [{ type: { value: 'document' }, document_details: { type: { value: 'driving_permit' } } }],
      },
      claims: { name: { essential: true }, birthdate: { essential: true } },
    },
  },
}

const users = new UserManager({
  authority: issuer,
  client_id: clientId,
  redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile offline_access',
  prompt: 'consent', // or there is no refresh token
  extraQueryParams: { claims: JSON.stringify(claims) },
  loadUserInfo: true,
  automaticSilentRenew: false,
  // Gone with the tab. Whatever script runs in this page can read it: have no scripts of others.
  userStore: new WebStorageStateStore({ store: sessionStorage }),
})

const output = document.querySelector('pre')
const buttons = {
  'sign-in': () => users.signinRedirect({ nonce: crypto.randomUUID() }),
  refresh: async () => show(await users.signinSilent(), 'refreshed'),
  'sign-out': () => users.signoutRedirect(),
}
for (const [id, act] of Object.entries(buttons))
  document.getElementById(id).addEventListener('click', () => act().catch(refuse))

try {
  if (location.pathname === '/callback') {
    const user = await users.signinCallback() // checks state, code and ID token
    history.replaceState(null, '', '/')
    show(user)
  } else show(await users.getUser())
} catch (error) {
  history.replaceState(null, '', '/')
  refuse(error)
}

function show(user, note = '') {
  document.body.dataset.signedIn = user ? 'yes' : 'no'
  document.querySelector('#note').textContent = note
  output.textContent = user ? JSON.stringify(user.profile, null, 2) : 'Nobody is signed in.'
}

/** Somebody who says no comes back too, with `access_denied`. */
function refuse(error) {
  show(null)
  output.textContent = `not signed in: ${error.error ?? error.message}`
}

import { type Html, html } from './html.ts'
import { fingerprint, type Offer, offers, type Replay, type SignedIn } from './sign-in.ts'

const SHOP = 'Chakra Scooter Rentals'

function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ${SHOP}</title>
<link rel="stylesheet" href="/shop.css">
<link rel="icon" href="/shop.svg">
</head>
<body>
<header><p class="brand"><img src="/shop.svg" alt="" width="40" height="40"> <a href="/">${SHOP}</a></p></header>
<main>
${body}
</main>
<footer><p>A demo. It knows its issuer’s address, a client id and a secret, and uses a stock OpenID Connect library.</p></footer>
</body>
</html>
`.text
}

export function homePage(issuer: string, signedIn: boolean): string {
  const forms = Object.entries<Offer>(offers).map(
    ([id, { label, about }]) => html`<li><form method="post" action="/sign-in/${id}">
  <button class="door">Sign in with Dwar: ${label}</button>
  <p>${about}</p>
</form></li>`,
  )
  return page(
    'Welcome',
    html`<h1>Take a scooter, leave the papers</h1>
<p class="lead">Show once who you are and that you may ride. No photocopies, no waiting at the counter.</p>
${signedIn && html`<p class="notice">You are signed in. <a href="/me">See what we received</a></p>`}
<ul class="offers">${forms}</ul>
<p class="quiet">Issuer: <code>${issuer}</code></p>`,
  )
}

export function resultPage(signedIn: SignedIn, replay?: Replay): string {
  const { claims, userinfo, header } = signedIn
  const name = typeof userinfo.name === 'string' ? userinfo.name : undefined
  return page(
    'Signed in',
    html`<h1>${name ? `Welcome, ${name}` : 'You are signed in'}</h1>
${replay && replayCard(replay)}
${proofCard(userinfo.verified_claims ?? claims.verified_claims)}
<section aria-labelledby="userinfo"><h2 id="userinfo">Userinfo</h2>${json(userinfo, 'Userinfo')}</section>
<section aria-labelledby="id-token"><h2 id="id-token">ID token</h2>
<h3>Header</h3>${json(header, 'ID token header')}
<h3>Payload</h3>${json(claims, 'ID token payload')}</section>
${tokensCard(signedIn, replay !== undefined)}
<form method="post" action="/sign-out"><button>Sign out</button></form>`,
  )
}

function proofCard(verified: unknown): Html | undefined {
  if (verified === undefined) return undefined
  return html`<section class="proof" aria-labelledby="proof"><h2 id="proof">Verified claims</h2>
<p>These came with evidence: the document, its issuer and how it was checked.</p>
<dl>${[verified].flat().map(provenClaims)}</dl>
${json(verified, 'Verified claims')}</section>`
}

function provenClaims(verified: unknown): Html[] {
  const claims = typeof verified === 'object' && verified !== null && 'claims' in verified ? verified.claims : undefined
  return Object.entries(claims ?? {}).map(
    ([claim, value]) => html`<div><dt>${claim}</dt><dd>${shown(value)}</dd></div>`,
  )
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function tokensCard({ tokens, oldRefreshToken, refreshes }: SignedIn, dead: boolean): Html {
  return html`<section aria-labelledby="tokens"><h2 id="tokens">Tokens</h2>
<dl>
<div><dt>Access token</dt><dd><code>${fingerprint(tokens.accessToken)}</code></dd></div>
<div><dt>Refresh token</dt><dd><code>${fingerprint(tokens.refreshToken)}</code></dd></div>
${oldRefreshToken !== undefined && html`<div><dt>Old refresh token</dt><dd><code>${fingerprint(oldRefreshToken)}</code></dd></div>`}
<div><dt>Refreshes</dt><dd>${refreshes}</dd></div>
</dl>
${tokens.refreshToken !== undefined && !dead && html`<form method="post" action="/refresh"><button>Refresh</button></form>`}
${
  oldRefreshToken !== undefined &&
  html`<form method="post" action="/replay"><button>Use the old refresh token again</button>
<p class="quiet">As a thief would. The issuer should refuse, and end every token of this sign-in.</p></form>`
}
</section>`
}

function replayCard({ refresh, userinfo }: Replay): Html {
  return html`<section class="notice" role="status" aria-labelledby="replay"><h2 id="replay">The old refresh token was used again</h2>
<dl>
<div><dt>Refresh with the old token</dt><dd><code>${refresh}</code></dd></div>
<div><dt>Userinfo with the newest access token</dt><dd><code>${userinfo}</code></dd></div>
</dl></section>`
}

/** Scrolls sideways by itself, so it can be reached by keyboard. */
function json(value: unknown, label: string): Html {
  return html`<pre tabindex="0" role="region" aria-label="${label}, JSON"><code>${JSON.stringify(value, null, 2)}</code></pre>`
}

/** @param error the protocol's word for it, or what the shop itself objects to */
export function refusedPage(error: string): string {
  const declined = error === 'access_denied'
  return page(
    'Not signed in',
    html`<section class="problem" role="alert"><h1>${declined ? 'You are not signed in' : 'The sign-in did not work'}</h1>
<p>${declined ? 'Nothing was shared with us. That is fine; you may look around and come back.' : 'Please begin once more.'}</p></section>
<p class="quiet">Error: <code>${error}</code></p>
<p><a href="/">Back to the start</a></p>`,
  )
}

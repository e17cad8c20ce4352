import { hashId } from '../../adapters/oidc-parts.ts'
import type { Citizen, Form, Page } from './citizen.ts'
import type { Cluster } from './cluster.ts'

export interface Reply {
  readonly status: number
  readonly location: string
  readonly html: string
  /** names of the cookies it sets */
  readonly cookies: readonly string[]
}

/** One request of this browser to one process, whose redirect is not followed. What it sets the browser keeps. */
export async function sendTo(
  cluster: Cluster,
  citizen: Citizen,
  index: number,
  url: URL,
  form?: URLSearchParams,
): Promise<Reply> {
  const cookie = await citizen.jar.getCookieString(url.href)
  const answer = await cluster.fetchAt(index)(url, {
    headers: { cookie, accept: 'text/html', ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) },
    ...(form && { method: 'POST', body: form }),
  })
  const set = answer.headers.getSetCookie()
  for (const one of set) await citizen.jar.setCookie(one, url.href, { ignoreError: true })
  const cookies = set.map((one) => one.split('=')[0] ?? '')
  return { status: answer.status, location: answer.headers.get('location') ?? '', html: await answer.text(), cookies }
}

/** The form that has a button of this value. */
export function formOf({ forms }: Page, button: string): Form {
  const found = forms.find(({ buttons }) => buttons.some(({ value }) => value === button))
  if (!found) throw new Error(`no button ${button}`)
  return found
}

/** What a form sends when this button is pressed. */
export const pressed = ({ fields }: Form, name: string, value: string) =>
  new URLSearchParams([...fields.map(([key, text]) => [key, text]), [name, value]])

/** The key of the row that this browser's cookie names. */
export async function sessionOf(cluster: Cluster, citizen: Citizen): Promise<Buffer> {
  const cookies = await citizen.jar.getCookies(cluster.issuer.href)
  return hashId(cookies.find(({ key }) => key === 'dwar_session')?.value ?? '')
}

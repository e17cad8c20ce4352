import { CookieJar } from 'tough-cookie'
import { request } from 'undici'

export interface Page {
  readonly url: URL
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly html: string
  readonly forms: readonly Form[]
}

export interface Form {
  readonly action: URL
  readonly method: string
  /** hidden and prefilled fields */
  readonly fields: readonly (readonly [string, string])[]
  readonly checkboxes: readonly { readonly name: string; readonly value: string; readonly checked: boolean }[]
  readonly buttons: readonly { readonly name: string; readonly value: string; readonly text: string }[]
}

/**
 * A person with a browser that has no scripts: cookies, redirects and forms over real HTTP. Stops at addresses of
 * `stopAt`, as nobody serves a test's redirect URI.
 */
export class Citizen {
  readonly jar = new CookieJar()
  readonly visited: URL[] = []
  readonly #stopsAt: (url: URL) => boolean

  /** @param stopAt how an address begins, or what tells it */
  constructor(stopAt: string | ((url: URL) => boolean)) {
    this.#stopsAt = typeof stopAt === 'string' ? (url) => url.href.startsWith(stopAt) : stopAt
  }

  get(url: string | URL): Promise<Page> {
    return this.#send('GET', new URL(url))
  }

  /** Presses the button whose text or value matches, with checkboxes ticked by value. */
  submit(page: Page, button: RegExp, extra: readonly (readonly [string, string])[] = []): Promise<Page> {
    for (const form of page.forms) {
      const pressed = form.buttons.find(({ text, value }) => button.test(text) || button.test(value))
      if (!pressed) continue
      const ticked = form.checkboxes.filter(({ checked }) => checked).map(({ name, value }) => [name, value] as const)
      const named = new Set(extra.map(([name]) => name))
      const kept = form.fields.filter(([name]) => !named.has(name))
      const body = [...kept, ...ticked, ...extra, ...(pressed.name ? [[pressed.name, pressed.value] as const] : [])]
      return this.#send(
        form.method,
        form.action,
        new URLSearchParams(body.map(([name, value]) => [name, value])),
        page.url,
      )
    }
    throw new Error(`no button ${button} on ${page.url.pathname}:\n${page.html.slice(0, 2000)}`)
  }

  post(url: URL, body: Record<string, string>, headers: Record<string, string> = {}): Promise<Page> {
    return this.#send('POST', url, new URLSearchParams(body), undefined, headers)
  }

  async #send(
    method: string,
    url: URL,
    body?: URLSearchParams,
    from?: URL,
    headers: Record<string, string> = {},
  ): Promise<Page> {
    if (method.toUpperCase() === 'GET' && body) url = new URL(`${url.origin}${url.pathname}?${body}`)
    this.visited.push(url)
    if (this.#stopsAt(url)) return { url, status: 0, headers: {}, html: '', forms: [] }
    const isPost = method.toUpperCase() === 'POST'
    const response = await request(url, {
      method: isPost ? 'POST' : 'GET',
      headers: {
        accept: 'text/html',
        cookie: await this.jar.getCookieString(url.href),
        ...(isPost && { 'content-type': 'application/x-www-form-urlencoded', origin: from?.origin ?? url.origin }),
        ...headers,
      },
      ...(isPost && { body: body?.toString() ?? '' }),
    })
    for (const cookie of [response.headers['set-cookie'] ?? []].flat())
      await this.jar.setCookie(cookie, url.href, { ignoreError: true })
    const html = await response.body.text()
    const { location } = response.headers
    if (response.statusCode >= 300 && response.statusCode < 400 && typeof location === 'string')
      return this.#send('GET', new URL(location, url))
    return { url, status: response.statusCode, headers: response.headers, html, forms: readForms(html, url) }
  }
}

function readForms(html: string, base: URL): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, tag = '', inner = '']) => {
    const inputs = [...inner.matchAll(/<input\b([^>]*?)\/?>/g)].map(([, attributes = '']) => readAttributes(attributes))
    const buttons = [...inner.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/g)]
    const attributes = readAttributes(tag)
    return {
      action: new URL(attributes.action || base, base),
      method: attributes.method ?? 'get',
      fields: inputs
        .filter(({ type }) => type !== 'checkbox' && type !== 'radio' && type !== 'submit')
        .flatMap(({ name, value }) => (name ? [[name, value ?? ''] as const] : [])),
      checkboxes: inputs
        .filter(({ type }) => type === 'checkbox')
        .map(({ name = '', value = 'on', checked }) => ({ name, value, checked: checked !== undefined })),
      buttons: buttons.map(([, attributes = '', text = '']) => {
        const { name = '', value = '' } = readAttributes(attributes)
        return { name, value, text: decodeEntities(text.replace(/<[^>]*>/g, ' ').trim()) }
      }),
    }
  })
}

function readAttributes(tag: string): Record<string, string> {
  const pairs = [...tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].map(
    ([, name = '', value = '']) => [name, decodeEntities(value)] as const,
  )
  return Object.fromEntries(pairs)
}

function decodeEntities(text: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_all, name: string) => named[name] ?? '')
}

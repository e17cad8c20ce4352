import { createHash, randomBytes } from 'node:crypto'
import type { Context } from 'koa'
import type { ErrorCode } from '../errors.ts'
import { type LanguageLink, languageLinks, pickLocale, type Translator, translator } from './i18n.ts'
import { refusalPage, refusals } from './refusals.ts'
import type { Pages, Renderer } from './render.ts'

/** Where a person can go from a problem: back to the interaction, and so to the relying app. */
export interface WayOut {
  readonly interactionUid: string
  readonly csrf: string
  readonly clientName?: string | undefined
}

/** Sends pages of ours in the person's language. */
export interface PageSender {
  send<Name extends keyof Pages>(
    ctx: Context,
    name: Name,
    toModel: (words: Translator, languages: readonly LanguageLink[]) => Pages[Name],
    status?: number,
  ): void
  /** The page of a refusal, with an incident id that is also in the log. */
  refuse(ctx: Context, code: ErrorCode, incidentId: string, wayOut?: WayOut): void
  locale(ctx: Context, requested?: string): string
}

export function createPageSender(renderer: Renderer, secure: boolean): PageSender {
  const available = [...renderer.locales.keys()]
  const cookie = secure ? '__Host-dwar_locale' : 'dwar_locale'

  /** The switch on the page wins and is remembered; then what the app asked for; then the browser. */
  function locale(ctx: Context, requested?: string): string {
    const chosen = queryValue(ctx, 'ui_locales')
    if (chosen && available.includes(chosen) && ctx.method === 'GET' && !ctx.headerSent)
      ctx.cookies.set(cookie, chosen, {
        httpOnly: true,
        sameSite: 'lax',
        secure,
        path: '/',
        signed: false,
        maxAge: 86_400_000,
        overwrite: true,
      })
    const kept = ctx.cookies.get(cookie, { signed: false })
    return pickLocale(
      [chosen, kept, requested].filter(Boolean).join(' '),
      ctx.get('Accept-Language') || undefined,
      available,
    )
  }

  const send: PageSender['send'] = (ctx, name, toModel, status = 200) => {
    const tag = locale(ctx, ctx.state.uiLocales as string | undefined)
    ctx.status = status
    ctx.type = 'html'
    ctx.set('Content-Language', tag)
    const path = pathAgain(ctx)
    const languages = path === undefined ? [] : languageLinks(renderer.locales, tag, path)
    ctx.body = renderer.render(name, toModel(translator(renderer.locales, tag), languages), tag)
  }

  return {
    locale,
    send,
    refuse(ctx, code, incidentId, wayOut) {
      const at = wayOut && pathOf(wayOut)
      send(
        ctx,
        'refusal',
        (words, languages) =>
          refusalPage(code, incidentId, {
            words,
            languages,
            clientName: wayOut?.clientName,
            retryAction: at && `${at}/start`,
            returnAction: at && `${at}/return`,
            csrf: wayOut?.csrf,
          }),
        refusals[code].status,
      )
    },
  }
}

/**
 * Short enough to read out on the telephone, random enough not to repeat: `DW-7K3F-Q9XT`.
 * @param seed what the incident is about: the same seed gives the same id, so a reload does not make a second one
 */
export function newIncidentId(seed?: string): string {
  const bytes = seed === undefined ? randomBytes(8) : createHash('sha256').update(seed).digest().subarray(0, 8)
  const letters = [...bytes].map((byte) => ALPHABET[byte % ALPHABET.length]).join('')
  return `DW-${letters.slice(0, 4)}-${letters.slice(4)}`
}

/** Without what is mistaken for something else when read aloud or by eye. */
const ALPHABET = '23456789ABCDEFGHJKMNPQRSTVWXYZ'

const pathOf = ({ interactionUid }: WayOut): string => `/interaction/${interactionUid}`

/** Where this page, or the one that it belongs to, is to be had by a link; undefined for the answer to a form that belongs to none. */
function pathAgain(ctx: Context): string | undefined {
  if (ctx.method === 'GET' || ctx.method === 'HEAD') return ''
  const wayOut = ctx.state.wayOut as WayOut | undefined
  return wayOut && pathOf(wayOut)
}

function queryValue(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name]
  return typeof value === 'string' ? value : undefined
}

import type { Translator } from '../i18n.ts'
import { type ClientIdentity, documentLabel, type PageFrame } from './frame.ts'

/**
 * Consent of its own to have an office put a document into the locker: DigiLocker gives it her Aadhaar number, birth
 * date and name for that (digilocker-api.md §11). Its form posts `csrf`, the fields and `decision` = `fetch`.
 */
export interface PullPage extends PageFrame {
  readonly clientName: string
  readonly document: string
  readonly office: string
  readonly fields: readonly {
    readonly name: string
    readonly label: string
    readonly hint: string
    readonly maxLength: number
  }[]
  /** something that she typed cannot be right */
  readonly problem: boolean
  readonly action: string
  readonly backHref: string
  readonly csrf: string
}

export interface PullView extends PageFrame {
  readonly client: ClientIdentity
  readonly doctype: string
  readonly fields: readonly { readonly name: string; readonly maxLength: number }[]
  readonly problem: boolean
  readonly action: string
  readonly backHref: string
  readonly csrf: string
}

export function toPullPage(words: Translator, { client, doctype, fields, ...view }: PullView): PullPage {
  return {
    ...view,
    clientName: client.name,
    document: documentLabel(words, doctype),
    office: words.t(`office.${doctype}`),
    fields: fields.map(({ name, maxLength }) => ({
      name,
      maxLength,
      label: words.t(`pull.field.${name}`),
      hint: words.t(`pull.field.${name}.hint`),
    })),
  }
}

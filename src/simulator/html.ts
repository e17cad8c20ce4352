/** Markup that is safe to print as it is. Only `html` makes it. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Printable = string | number | Html | readonly Html[] | undefined | false

/** Markup from a template: every value is escaped unless it is markup itself; undefined and false print nothing. */
export function html(strings: TemplateStringsArray, ...values: Printable[]): Html {
  const parts = strings.map((part, index) => part + print(values[index]))
  return new Html(parts.join(''))
}

function print(value: Printable): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(({ text }) => text).join('')
  return String(value).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

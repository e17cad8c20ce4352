import type { PageFrame } from './frame.ts'

export interface NotFoundPage extends PageFrame {
  readonly homeHref: string
}

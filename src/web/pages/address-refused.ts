import type { ErrorCode } from '../../errors.ts'
import type { AddressDiff } from '../address-diff.ts'
import type { PageFrame } from './frame.ts'

/** An app named an address that it has not registered: for the person a dead end, for its developer the difference. */
export interface AddressRefusedPage extends PageFrame {
  readonly code: ErrorCode
  readonly incidentId: string
  readonly clientName: string
  /** the parameter that holds the address */
  readonly parameter: 'redirect_uri' | 'post_logout_redirect_uri'
  readonly diff: AddressDiff
}

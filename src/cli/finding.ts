/** One thing that was looked at. `fine` ones are told too: a doctor who says nothing has not looked. */
export interface Finding {
  /** stable: docs/operations.md leads from a symptom to it */
  readonly code: string
  readonly severity: 'fault' | 'warning' | 'fine'
  /** what is so */
  readonly says: string
  /** what to do about it */
  readonly next?: string
}

export const fine = (code: string, says: string): Finding => ({ code, severity: 'fine', says })
export const warning = (code: string, says: string, next: string): Finding => ({
  code,
  severity: 'warning',
  says,
  next,
})
export const fault = (code: string, says: string, next: string): Finding => ({ code, severity: 'fault', says, next })

/** Why an answer is what it is: stable codes, fit for events and logs. They hold nothing of the person. */
export type AnswerReason =
  | 'age.birthdate_missing'
  | 'age.year_only'
  | 'document.other_type'
  | 'document.status_inactive'
  | 'document.status_missing'
  | 'licence.class_not_endorsed'
  | 'licence.class_not_yet_issued'
  | 'licence.expired'
  | 'licence.expiry_missing'
  | 'licence.not_yet_valid'
  | 'licence.start_missing'
  | 'licence.transport_validity_not_stated'
  | 'licence.use_not_endorsed'
  | 'licence.use_not_stated'
  | 'pan.holder_contradicted'
  | 'pan.holder_letter_unknown'
  | 'pan.number_missing'
  | 'person.birthdate_differs'
  | 'person.birthdate_incomplete'
  | 'person.birthdate_missing'
  | 'person.birthdate_same'
  | 'person.gender_differs'
  | 'person.gender_missing'
  | 'person.gender_same'
  | 'person.organization'

/** Unknown is an answer: the document does not say, and no is not ours to guess. */
export interface Answer<Reason extends string = AnswerReason> {
  readonly answer: 'yes' | 'no' | 'unknown'
  /** none where a plain yes or no says it all */
  readonly reasons: readonly Reason[]
}

type Told<Reason extends string> = (...reasons: Reason[]) => Answer<Reason>
export const yes: Told<AnswerReason> = (...reasons) => ({ answer: 'yes', reasons })
export const no: Told<AnswerReason> = (...reasons) => ({ answer: 'no', reasons })
export const unknown: Told<AnswerReason> = (...reasons) => ({ answer: 'unknown', reasons })

import { describe, expect, it } from 'vitest'
import { matchNames, type NameMatch } from '../../../src/documents/answers/match-names.ts'
import { spent } from '../../support/spent.ts'

type Row = readonly [a: string, b: string, outcome: NameMatch['outcome'], reasons: string]

/** Invented people; each pair is a way in which two Indian records of one person, or of two, do differ. */
const PAIRS: readonly Row[] = [
  // case, white space, dots
  ['Ramesh Sharma', 'Ramesh Sharma', 'match', 'same'],
  ['RAMESH SHARMA', 'Ramesh Sharma', 'match', 'same'],
  ['Ramesh  Sharma ', 'ramesh sharma', 'match', 'same'],
  ['Ramesh.Sharma', 'Ramesh Sharma', 'match', 'same'],
  ['Ramesh-Sharma', 'Ramesh Sharma', 'match', 'same'],
  ['Maria D’Souza', "Maria D'Souza", 'match', 'same'],
  ['Maria D Souza', 'Maria Dsouza', 'match', 'spacing'],
  ['José Fernandes', 'Jose\u0301 Fernandes', 'match', 'same'],
  ['José Fernandes', 'Jose Fernandes', 'match', 'same'],
  ['Ｒａｍｅｓｈ Sharma', 'Ramesh Sharma', 'match', 'same'],
  // order of words
  ['Sharma Ramesh', 'Ramesh Sharma', 'match', 'word_order'],
  ['Sharma, Ramesh Kumar', 'Ramesh Kumar Sharma', 'match', 'word_order'],
  ['Venkata Ramana Rao Kondapalli', 'Kondapalli Venkata Ramana Rao', 'match', 'word_order'],
  ['Patil Sunita Anil', 'Sunita Anil Patil', 'match', 'word_order'],
  // honorifics
  ['Shri Ramesh Sharma', 'Ramesh Sharma', 'match', 'honorific'],
  ['Sri Ramesh Sharma', 'Shri Ramesh Sharma', 'match', 'variant'],
  ['Sh. Ramesh Sharma', 'Ramesh Sharma', 'match', 'honorific'],
  ['Smt. Sunita Verma', 'Sunita Verma', 'match', 'honorific'],
  ['Shrimati Sunita Verma', 'Smt Sunita Verma', 'match', 'honorific'],
  ['Kumari Meena Gupta', 'Meena Gupta', 'match', 'honorific'],
  ['Km. Meena Gupta', 'Meena Gupta', 'match', 'honorific'],
  ['Kumari Meena', 'Meena Kumari', 'match', 'word_order'],
  ['Dr. Anil Deshmukh', 'Anil Deshmukh', 'match', 'honorific'],
  ['Dr Smt Sunita Verma', 'Sunita Verma', 'match', 'honorific'],
  ['Mr. Ramesh Sharma', 'Mrs. Ramesh Sharma', 'match', 'honorific'],
  ['Col. Vikram Rathore', 'Vikram Rathore', 'match', 'honorific'],
  ['Late Shri Ramesh Sharma', 'Ramesh Sharma', 'match', 'honorific'],
  ['Ramesh Sharma Ji', 'Ramesh Sharma', 'match', 'honorific'],
  ['Adv. Leela Menon', 'Menon Leela', 'match', 'honorific word_order'],
  ['Thiru Murugan Selvam', 'Murugan Selvam', 'match', 'honorific'],
  ['Shri Devi', 'Sridevi', 'match', 'spacing variant'],
  // initials
  ['S. Venkatesh', 'Srinivasan Venkatesh', 'possible', 'initial'],
  ['Venkatesh S', 'Venkatesh Srinivasan', 'possible', 'initial'],
  ['Venkatesh S', 'S Venkatesh', 'match', 'word_order'],
  ['V. Balaji', 'Wasudev Balaji', 'possible', 'initial'],
  ['R. K. Narayan Iyer', 'Ramesh Krishnan Narayan Iyer', 'match', 'initial'],
  ['RK Narayan Iyer', 'R K Narayan Iyer', 'match', 'same'],
  ['A.P.J. Abdul Kalam', 'APJ Abdul Kalam', 'match', 'spacing'],
  ['Ramesh K Sharma', 'Ramesh Kumar Sharma', 'match', 'initial'],
  ['Ramesh C. Sharma', 'Ramesh Chandra Sharma', 'match', 'initial'],
  ['R Sharma', 'Ramesh Sharma', 'possible', 'initial'],
  ['R Sharma', 'Suresh Sharma', 'mismatch', 'words_differ'],
  ['A Sharma', 'B Sharma', 'mismatch', 'words_differ'],
  ['K S Venkatesh', 'Venkatesh K', 'possible', 'word_missing word_order'],
  ['R K', 'Ramesh Kumar', 'mismatch', 'common_words_only initial'],
  ['Ramesh C Sharma', 'Ramesh Kumar Sharma', 'possible', 'word_missing'],
  ['Ramesh C Sharma', 'Ramesh Mohan Sharma', 'mismatch', 'words_differ'],
  ['S R Lakshmi', 'Laxmi S R', 'match', 'variant word_order'],
  // relatives
  ['Arun Verma S/O Rajesh Verma', 'Arun Verma', 'match', 'same'],
  ['Arun s/o Rajesh', 'Arun Rajesh', 'possible', 'relative'],
  ['Arun Patil S/O Rajesh Patil', 'Arun Rajesh Patil', 'match', 'relative'],
  ['Sunita D/O Mohan Lal', 'Sunita Mohan Lal', 'possible', 'relative'],
  ['Sunita Devi W/O Ramesh Yadav', 'Sunita Devi', 'match', 'same'],
  ['Sunita W / O Ramesh Yadav', 'Sunita Yadav', 'possible', 'relative'],
  ['Arun son of Rajesh', 'Arun Rajesh', 'possible', 'relative'],
  ['Arun Nair C/O Rajesh', 'Arun Nair', 'match', 'same'],
  ['Arun S/O Rajesh', 'Kiran S/O Rajesh', 'mismatch', 'words_differ'],
  ['Rajesh S/O Arun', 'Arun S/O Rajesh', 'mismatch', 'relative'],
  ['Sachin Ramesh Tendolkar', 'Sachin Tendolkar', 'possible', 'word_missing'],
  ['Arun Rajesh Patil', 'Arun R Patil', 'match', 'initial'],
  // spellings by ear
  ['Mohammed Imran', 'Mohd Imran', 'match', 'variant'],
  ['Md. Imran', 'Mohammad Imran', 'match', 'variant'],
  ['Md Imran', 'Muhammad Imran', 'match', 'variant'],
  ['Mohamed Rafi', 'Muhammed Rafi', 'match', 'variant'],
  ['Mohd. Salim Khan', 'Khan Mohammed Saleem', 'match', 'variant word_order'],
  ['Lakshmi Nair', 'Laxmi Nair', 'match', 'variant'],
  ['Jayalakshmi Iyer', 'Jayalaxmi Iyer', 'match', 'variant'],
  ['Vishwanath Rao', 'Viswanath Rao', 'match', 'variant'],
  ['Vishwanath Rao', 'Vishvanath Rao', 'match', 'variant'],
  ['Suresh Shetty', 'Sures Setty', 'match', 'variant'],
  ['Waman Kale', 'Vaman Kale', 'match', 'variant'],
  ['Bhavana Joshi', 'Bhawana Joshi', 'match', 'variant'],
  ['Sunitha Reddy', 'Sunita Reddi', 'match', 'variant'],
  ['Kavitha Menon', 'Kavita Menon', 'match', 'variant'],
  ['Geeta Joshi', 'Gita Joshi', 'match', 'variant'],
  ['Poonam Singh', 'Punam Singh', 'match', 'variant'],
  ['Raaj Malhotra', 'Raj Malhotra', 'match', 'variant'],
  ['Sreedevi Pillai', 'Sridevi Pillai', 'match', 'variant'],
  ['Ganesh Chowdhury', 'Ganesh Chaudhary', 'match', 'variant'],
  ['Amit Mukherjee', 'Amit Mukhopadhyay', 'match', 'variant'],
  ['Amit Banerjee', 'Amit Bandyopadhyay', 'match', 'variant'],
  ['Gowri Shankar', 'Gauri Sankar', 'match', 'variant'],
  ['Noushad Ali', 'Naushad Ali', 'match', 'variant'],
  ['Zakir Hussain', 'Jakir Husain', 'match', 'variant'],
  ['Shaik Basha', 'Sheikh Basha', 'match', 'variant'],
  ['Syed Ahmed', 'Sayyad Ahmed', 'match', 'variant'],
  ['Phani Kumar', 'Fani Kumar', 'match', 'variant'],
  ['Siddharth Jain', 'Sidharth Jain', 'match', 'variant'],
  ['Madhu Dubey', 'Madhu Dube', 'match', 'variant'],
  ['Vijay Nath', 'Vijai Nath', 'match', 'variant'],
  ['Abdullah Khan', 'Abdulla Khan', 'match', 'variant'],
  ['Rameshbhai Patel', 'Ramesh Patel', 'match', 'variant'],
  ['Ramesh Bhai Patel', 'Rameshbhai Patel', 'match', 'spacing'],
  ['Harpreet Sing', 'Harpreet Singh', 'match', 'variant'],
  ['Ramesh Kr Sharma', 'Ramesh Kumar Sharma', 'match', 'variant'],
  ['Alok Mishra', 'Alok Misra', 'match', 'variant'],
  ['Alok Agarwal', 'Alok Agrawal', 'match', 'variant'],
  ['R Subramanian', 'R Subramaniam', 'match', 'variant'],
  ['Gyaneshwar Kadam', 'Dnyaneshwar Kadam', 'match', 'variant'],
  // written together or apart
  ['Vijay Kumar Patil', 'Vijaykumar Patil', 'match', 'spacing'],
  ['Ram Prasad Yadav', 'Ramprasad Yadav', 'match', 'spacing'],
  ['Siva Rama Krishna Rao', 'Sivaramakrishna Rao', 'match', 'spacing'],
  // a word less
  ['Sunita', 'Sunita Sharma', 'possible', 'word_missing'],
  ['Sunita', 'Sunita Devi', 'possible', 'word_missing'],
  ['Ramesh', 'Ramesh Chandra Dev Sharma', 'possible', 'word_missing'],
  ['Ramesh Kumar Sharma', 'Ramesh Sharma', 'match', 'word_missing'],
  ['Ramesh Chandra Sharma', 'Ramesh Sharma', 'possible', 'word_missing'],
  ['Sunita Devi', 'Sunita Kumari', 'possible', 'word_missing'],
  ['Sunita Devi', 'Sunita Sharma', 'possible', 'word_missing'],
  // single names
  ['Sunita', 'Sunita', 'match', 'same'],
  ['Sunita', 'Sunitha', 'match', 'variant'],
  ['Sunita', 'Kavita', 'mismatch', 'words_differ'],
  ['Dr', 'Dr', 'match', 'same'],
  // two people
  ['Ramesh Sharma', 'Ramesh Verma', 'mismatch', 'words_differ'],
  ['Ramesh Kumar Sharma', 'Suresh Kumar Sharma', 'mismatch', 'words_differ'],
  ['Ramesh Sharma', 'Rakesh Sharma', 'mismatch', 'words_differ'],
  ['Mahesh Yadav', 'Mukesh Yadav', 'mismatch', 'words_differ'],
  ['Kavita Singh', 'Savita Singh', 'mismatch', 'common_words_only words_differ'],
  ['Sunil Rao', 'Sunila Rao', 'mismatch', 'words_differ'],
  ['Anil Gupta', 'Anila Gupta', 'mismatch', 'words_differ'],
  ['Ram Kumar', 'Shyam Kumar', 'mismatch', 'common_words_only words_differ'],
  ['Harpreet Kaur', 'Gurpreet Kaur', 'mismatch', 'common_words_only words_differ'],
  ['Priya Sharma', 'Priya Gupta', 'mismatch', 'words_differ'],
  ['Singh', 'Ramesh Singh', 'mismatch', 'common_words_only word_missing'],
  ['Kiran Rao', 'Karan Rao', 'possible', 'near_spelling'],
  ['Venkatesh Rao', 'Venkatish Rao', 'possible', 'near_spelling'],
  ['Mohammed Imran', 'Mohammed Irfan', 'mismatch', 'words_differ'],
  ['Asha Rani', 'Usha Rani', 'mismatch', 'common_words_only words_differ'],
  ['Arun Patil', 'Meera Iyer', 'mismatch', 'words_differ'],
  // alias
  ['Ravi Kumar @ Raju', 'Raju', 'match', 'alias same'],
  ['Ravi Das alias Rabi Das', 'Rabi Das', 'match', 'alias same'],
  ['Ravi Das @ Raju', 'Meera Iyer', 'mismatch', 'alias words_differ'],
  // scripts
  ['किरण नमूना', 'Kiran Namuna', 'cannot_compare', 'other_script'],
  ['किरण नमूना', 'ಕಿರಣ್', 'cannot_compare', 'other_script'],
  ['किरण नमूना', 'किरण  नमूना', 'match', 'same'],
  ['नमूना किरण', 'किरण नमूना', 'match', 'word_order'],
  ['\u0958मर', '\u0915\u093cमर', 'match', 'same'],
  ['किरण नमूना', 'करन नमूना', 'cannot_compare', 'script_not_compared'],
  ['Kiran नमूना', 'Kiran Namuna', 'cannot_compare', 'mixed_script'],
  ['R\u0430mesh Sharma', 'Ramesh Sharma', 'cannot_compare', 'mixed_script'],
  // no name
  ['', 'Ramesh Sharma', 'cannot_compare', 'empty'],
  ['   ', '...', 'cannot_compare', 'empty'],
  ['S/O Rajesh', 'Rajesh', 'cannot_compare', 'empty'],
  ['Ramesh 2', 'Ramesh', 'cannot_compare', 'characters'],
  ['Ram\u200besh', 'Ramesh', 'cannot_compare', 'characters'],
  ['\u202eRamesh', 'Ramesh', 'cannot_compare', 'characters'],
  ['Łukasz', 'Lukasz', 'cannot_compare', 'characters'],
]

const expected = (outcome: string, reasons: string) => ({
  outcome,
  reasons: reasons.split(' ').map((reason) => `name.${reason}`),
})

describe('names of Indian documents — documents-and-signatures.md §1.4', () => {
  it('are tried on at least 120 pairs', () => {
    expect(new Set(PAIRS.map(([a, b]) => `${a}|${b}`)).size).toBeGreaterThanOrEqual(120)
  })

  it.each(PAIRS)('%j and %j: %s (%s)', (a, b, outcome, reasons) => {
    expect(matchNames(a, b)).toMatchObject(expected(outcome, reasons))
  })

  it.each(PAIRS)('%j and %j compare alike in either order', (a, b) => {
    expect(matchNames(b, a)).toEqual(matchNames(a, b))
  })

  it('scores from 0 to 1, and only what was compared', () => {
    for (const [a, b] of PAIRS) {
      const { outcome, score } = matchNames(a, b)
      if (outcome === 'cannot_compare') expect(score).toBeUndefined()
      else expect(score).toSatisfy((given: number) => given >= 0 && given <= 1)
    }
  })

  it('gives reasons that are codes and hold no part of a name', () => {
    const reasons = PAIRS.flatMap(([a, b]) => matchNames(a, b).reasons)
    expect(new Set(reasons).size).toBeGreaterThan(5)
    expect(reasons.filter((reason) => !/^name\.[a-z_]+$/.test(reason))).toEqual([])
  })
})

describe('a hostile name', () => {
  it.each([
    ['a name of 201 characters', 'a'.repeat(201), 'name.too_long'],
    ['ten megabytes', 'ab '.repeat(3_500_000), 'name.too_long'],
    ['ten megabytes of nothing', ' '.repeat(10_000_000), 'name.empty'],
    ['thirteen words', 'ab '.repeat(13), 'name.too_long'],
    ['a character that unfolds into eighteen', '\ufdfa'.repeat(200), 'name.too_long'],
    ['a hundred marks on a letter of another script', `क${'\u0301'.repeat(199)}`, 'name.other_script'],
  ])('is bounded: %s', (_case, name, reason) => {
    const { result, ms } = spent(() => matchNames(name, 'Ramesh Sharma'))
    expect(result).toEqual({ outcome: 'cannot_compare', reasons: [reason] })
    expect(ms).toBeLessThan(50)
  })

  it('of the greatest length that is read costs little', () => {
    const name = Array.from({ length: 12 }, (_word, index) => 'aeiouaeiouaeiou'.slice(index)).join(' ')
    const { result, ms } = spent(() => matchNames(name, name.split(' ').toReversed().join(' ')))
    expect(result.score).toBeDefined()
    expect(ms).toBeLessThan(50)
  })

  it('of twelve words is still read', () => {
    expect(matchNames('ab '.repeat(12), 'ab '.repeat(12))).toMatchObject({ outcome: 'match' })
  })
})

const IST_OFFSET_SECONDS = 19_800
const DAY_SECONDS = 86_400

/** YYYY-MM-DD as `DD-MM-YYYY` (XML), or with another separator: `/` in the id_token, none in user details. */
export function dayFirst(isoDate: string, separator = '-'): string {
  return isoDate.split('-').reverse().join(separator)
}

/** An instant on the Indian wall clock, `YYYY-MM-DDTHH:mm:ss.sss`. @param at epoch seconds */
export function indianTime(at: number): string {
  return new Date((at + IST_OFFSET_SECONDS) * 1000).toISOString().slice(0, -1)
}

/** The last second of the Indian day that lies `days` ahead (digilocker-api.md §6.3). Epoch seconds in and out. */
export function endOfIndianDay(at: number, days: number): number {
  const local = at + IST_OFFSET_SECONDS
  const midnight = local - (local % DAY_SECONDS)
  return midnight + (days + 1) * DAY_SECONDS - 1 - IST_OFFSET_SECONDS
}

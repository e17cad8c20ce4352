/** The time now, in whole epoch seconds. Passed in, so that tests can freeze it; no rule calls `Date.now()`. */
export type Clock = () => number

export const systemClock: Clock = () => Math.floor(Date.now() / 1000)

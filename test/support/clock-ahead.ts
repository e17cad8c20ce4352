/** For `node --import`: a process whose clock is ahead, by `?seconds=` of this file's address. */
const aheadMs = Number(new URL(import.meta.url).searchParams.get('seconds')) * 1000
const now = Date.now.bind(Date)
Date.now = () => now() + aheadMs

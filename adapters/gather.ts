/** At most this many keys in one call, so that no statement grows without bound. */
const MOST = 64

/**
 * Makes one call of many that come in one turn of the event loop: requests that arrive together read together. Nobody
 * waits for a timer, and alone a call goes out at the end of its own turn. What fails fails for all of a call.
 * @param readAll gets each key once; what it does not answer is undefined
 */
export function gather<Value>(readAll: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>) {
  let open: { readonly keys: Set<string>; readonly found: Promise<ReadonlyMap<string, Value>> } | undefined

  function begin() {
    const keys = new Set<string>()
    const { promise: found, resolve, reject } = Promise.withResolvers<ReadonlyMap<string, Value>>()
    const batch = { keys, found }
    setImmediate(() => {
      if (open === batch) open = undefined
      readAll([...keys]).then(resolve, reject)
    })
    return batch
  }

  return async (key: string): Promise<Value | undefined> => {
    if (!open || open.keys.size === MOST) open = begin()
    open.keys.add(key)
    return (await open.found).get(key)
  }
}

import { statSync } from 'node:fs'
import { AppError } from '../../errors.ts'
import { listFolder } from './folder.ts'
import { readTrust, type TrustStore } from './trust.ts'

export interface TrustWatchOptions {
  /** trust files of the operator, read after the shipped one */
  readonly files: readonly string[]
  readonly folder?: string | undefined
  /** milliseconds between two looks */
  readonly everyMs: number
  /** called with each new sound set; the store before it stays as it was */
  readonly onChange: (store: TrustStore) => void
  /** called once for each state of the files that cannot be used; the old set stays in force */
  readonly onFault: (fault: AppError) => void
  /** calls back again and again; returns how to stop. Default: a timer that does not keep the process alive */
  readonly repeat?: (look: () => void, everyMs: number) => () => void
}

/** Trust that follows its files. */
export interface TrustWatch {
  /** the last sound set */
  readonly current: TrustStore
  /** Looks at the files now. Returns true if the set was swapped. */
  look(): boolean
  close(): void
}

/**
 * Reads trust and follows its files and its folder, so that a signer can be added or ended without a restart. Looks at
 * times and sizes, since change notices of file systems get lost in containers. Only a set that is sound throughout is
 * swapped in.
 * @throws AppError CONFIG_INVALID when the first set is not sound: there is nothing older to fall back to
 */
export function watchTrust(options: TrustWatchOptions): TrustWatch {
  const { files, folder, onChange, onFault, repeat = repeatQuietly } = options
  // The state is taken before the files are read: what changes meanwhile is seen by the next look.
  let seen = stateOf(files, folder)
  let current = readTrust(files, folder)
  const look = (): boolean => {
    const state = stateOf(files, folder)
    if (state === seen) return false
    seen = state
    try {
      current = readTrust(files, folder, current)
    } catch (cause) {
      // Whatever went wrong, a timer is no place to die in.
      onFault(cause instanceof AppError ? cause : new AppError('CONFIG_INVALID', 'trust: cannot be read', { cause }))
      return false
    }
    onChange(current)
    return true
  }
  const stop = repeat(look, options.everyMs)
  return {
    get current() {
      return current
    },
    look,
    close: stop,
  }
}

/** Anything that a changed file cannot help changing; a file that is not there has a state too. */
function stateOf(files: readonly string[], folder: string | undefined): string {
  const paths = [...files, ...(folder === undefined ? [] : pathsIn(folder))]
  return paths.map((path) => `${path} ${stateOfFile(path)}`).join('\n')
}

function pathsIn(folder: string): string[] {
  try {
    return listFolder(folder)
  } catch {
    // Reading it will say what is wrong; here it is one more state.
    return [folder]
  }
}

function stateOfFile(path: string): string {
  try {
    const { mtimeNs, ctimeNs, size, ino } = statSync(path, { bigint: true })
    return `${mtimeNs} ${ctimeNs} ${size} ${ino}`
  } catch {
    // Reading it will say what is wrong; absent and forbidden are states like any other.
    return 'unreadable'
  }
}

function repeatQuietly(look: () => void, everyMs: number): () => void {
  const timer = setInterval(look, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

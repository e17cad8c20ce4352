import { hash, timingSafeEqual } from 'node:crypto'
import type { Provider } from 'oidc-provider'

/**
 * Lets a client in with the secret that it had before, for as long as the operator has said (security.md SE-1). Both are
 * always compared, over digests, so that time tells nothing of either.
 */
export function acceptPreviousSecret(
  provider: Provider,
  findPrevious: (clientId: string) => Promise<string | undefined>,
): void {
  async function compareClientSecret(this: InstanceType<Provider['Client']>, actual: string): Promise<boolean> {
    const previous = await findPrevious(this.clientId)
    const given = digest(actual)
    const isCurrent = isSame(given, this.clientSecret)
    const isPrevious = isSame(given, previous)
    return isCurrent || isPrevious
  }
  Object.assign(provider.Client.prototype, { compareClientSecret })
}

/** One that is not there is compared too, and never the same. */
function isSame(given: Buffer, expected: string | undefined): boolean {
  return timingSafeEqual(given, digest(expected ?? '')) && Boolean(expected)
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer')

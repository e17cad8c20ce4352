import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take long and do not look it, the longest first: begun last, one of them would run alone at the end. */
const HEAVY = [
  'web/pages/chromium',
  'flows/matrix',
  'flows/demo',
  'examples/web-apps',
  'examples/browser-app',
  'flows/canary',
  'contracts/signing-keys',
  'flows/races',
  'flows/reuse',
  'flows/login-races',
  'contracts/database',
  'documents/workers/pool',
  'flows/rotation',
  'documents/pdf/fuzz',
  'documents/corpus/xmlsec1',
  'documents/corpus/mutation',
].map((name) => `/test/${name}.test.ts`)

/** Keeps both cores busy to the end: on a clean checkout nothing is known of a file but its size. */
export class HeaviestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const groups = Map.groupBy(sorted, ({ project }) => project.name)
    return [...groups.values()].flatMap((group) => group.toSorted((one, other) => rank(one) - rank(other)))
  }
}

function rank({ moduleId }: TestSpecification): number {
  const at = HEAVY.findIndex((name) => moduleId.endsWith(name))
  return at < 0 ? HEAVY.length : at
}

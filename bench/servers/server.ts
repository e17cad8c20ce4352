import type { Usage } from '../measure.ts'

/** What the driver must know to play a relying app and its people. */
export interface Ready {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** the simulator's trust file; the simulator alone has it */
  readonly trust?: unknown
}

/** A server under test, in a process of its own. */
export interface BenchServer {
  readonly ready: Ready
  /** statements sent so far; absent without a database */
  readonly statements?: () => number
  close(): Promise<void>
}

export interface ServerSettings {
  readonly port: number
  readonly redirectUri: string
}

export interface BareSettings extends ServerSettings {
  /** `postgres://…`; absent: the engine's own adapter in memory */
  readonly databaseUrl?: string
}

export interface DwarSettings extends ServerSettings {
  /** `postgres://…` or `pglite:<folder>` */
  readonly databaseUrl: string
  readonly simulator: Ready
}

export interface SimulatorSettings {
  readonly port: number
  /** callbacks of the issuers that will use it */
  readonly redirectUris: readonly string[]
}

/** From the parent. One question at a time; each gets one answer. */
export type Question =
  | { readonly ask: 'start'; readonly server: 'bare'; readonly settings: BareSettings }
  | { readonly ask: 'start'; readonly server: 'dwar'; readonly settings: DwarSettings }
  | { readonly ask: 'start'; readonly server: 'simulator'; readonly settings: SimulatorSettings }
  | { readonly ask: 'usage' }
  | { readonly ask: 'memory' }
  | { readonly ask: 'stop' }

export type Start = Extract<Question, { ask: 'start' }>

export type Answer =
  | { readonly ready: Ready }
  | { readonly usage: Usage }
  | { readonly memory: NodeJS.MemoryUsage }
  | { readonly stopped: true }
  | { readonly failed: string }

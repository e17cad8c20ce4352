import { startSimulator } from '../../src/simulator/simulator.ts'
import type { BenchServer, SimulatorSettings } from './server.ts'

const CLIENT = { clientId: 'DWARBENCH', clientSecret: 'an-upstream-secret-for-benchmarks' }

/** The upstream, apart: its work and its RSA signatures are not the issuer's. */
export async function startUpstream({ port, redirectUris }: SimulatorSettings): Promise<BenchServer> {
  const simulator = await startSimulator({
    port,
    rootBits: 2048,
    clients: [
      {
        ...CLIENT,
        redirectUris: [...redirectUris],
        scopes: ['files.issueddocs', 'userdetails', 'picture', 'email'],
        openid: false,
      },
    ],
  })
  return {
    ready: { issuer: simulator.url.origin, ...CLIENT, trust: simulator.trust },
    close: () => simulator.close(),
  }
}

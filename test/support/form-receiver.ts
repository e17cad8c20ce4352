import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server of somebody else's to whom forms are posted. */
export interface FormReceiver {
  /** without a path */
  readonly origin: string
  close(): void
}

/** @param receive answers, or leaves whoever has posted waiting */
export async function receiveForms(
  receive: (form: URLSearchParams, request: IncomingMessage, response: ServerResponse) => void,
): Promise<FormReceiver> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => receive(new URLSearchParams(Buffer.concat(parts).toString()), request, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

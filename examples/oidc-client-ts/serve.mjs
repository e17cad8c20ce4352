// Hands out the files of the browser app; any static web server or bundler does as well.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { CLIENT_ID = '', ISSUER = 'http://localhost:4000', PORT = '3000' } = process.env

const file = (type, url) => ({ type, body: readFileSync(new URL(url, import.meta.url)) })
const page = file('text/html; charset=utf-8', 'index.html')
const script = 'text/javascript; charset=utf-8'
const files = {
  '/': page,
  '/callback': page,
  '/app.mjs': file(script, 'app.mjs'),
  '/settings.json': { type: 'application/json', body: JSON.stringify({ issuer: ISSUER, clientId: CLIENT_ID }) },
  '/lib/oidc-client-ts': file(script, import.meta.resolve('oidc-client-ts')),
  '/lib/jwt-decode': file(script, import.meta.resolve('jwt-decode')),
}

createServer((request, response) => {
  const found = files[request.url.split('?')[0]]
  if (!found) return response.writeHead(404).end()
  response.writeHead(200, { 'content-type': found.type, 'referrer-policy': 'no-referrer' }).end(found.body)
}).listen(Number(PORT), '127.0.0.1', () => console.log(`Open http://localhost:${PORT}`))

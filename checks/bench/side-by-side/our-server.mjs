/*
 * The bundled function behind Node's HTTP server, in place of the gateway and Lambda.
 * Usage: node our-server.mjs <port> <bundle>. GET /_cpu returns its processor time.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [, , port, bundle] = process.argv;
const { handler } = await import(pathToFileURL(bundle).href);
const ROUTE = /^\/api\/v1\/fix-attempts\/([^/]+)\/billing$/;

createServer(async (request, response) => {
  if (request.url === '/_cpu') return void response.end(JSON.stringify(process.cpuUsage()));
  const [, id] = ROUTE.exec(request.url) ?? [];
  const event = {
    version: '2.0',
    rawPath: request.url,
    rawQueryString: '',
    headers: request.headers,
    pathParameters: { id },
    isBase64Encoded: false,
    requestContext: {
      requestId: randomUUID(),
      http: { method: request.method, path: request.url, sourceIp: '127.0.0.1', protocol: 'HTTP/1.1' },
    },
  };
  const context = { awsRequestId: randomUUID(), getRemainingTimeInMillis: () => 28_000 };
  const { statusCode, headers, body } = await handler(event, context);
  response.writeHead(statusCode, headers).end(body);
}).listen(Number(port), '127.0.0.1');

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type HttpRequest, HttpResponse } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { openTransport } from '../../settings/transport.ts';
import { PlainProtocol } from './protocol.ts';

/*
 * The SDK's client, made cheap through its own options: it resolves its middleware once per command, keeps
 * its signer, and sends with the service's own transport. See docs/decisions/0020-thin-client.md.
 */

const MAX_SDK_ATTEMPTS = 3;
const LIMITS = { connectMs: 1_000, requestMs: 2_000 };

/** Middleware that only writes headers that nothing reads, or a log that we do not keep. */
const UNUSED = [
  'getUserAgentMiddleware',
  'loggerMiddleware',
  'recursionDetectionMiddleware',
  'contentLengthMiddleware',
];

export function openClient(endpoint: string | undefined): DynamoDBClient {
  let signer: SignatureV4 | undefined;
  const client: DynamoDBClient = new DynamoDBClient({
    maxAttempts: MAX_SDK_ATTEMPTS,
    // What is stated here, the SDK does not look up in files and in the environment at the first call.
    retryMode: 'standard',
    defaultsMode: 'standard',
    accountIdEndpointMode: 'disabled',
    authSchemePreference: [],
    cacheMiddleware: true,
    requestHandler: handlerOf(),
    protocol: PlainProtocol,
    endpointProvider,
    signer: async () =>
      (signer ??= new SignatureV4({
        service: 'dynamodb',
        region: client.config.region,
        credentials: client.config.credentials,
        sha256: client.config.sha256,
      })),
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  for (const name of UNUSED) client.middlewareStack.remove(name);
  return client;
}

/**
 * DynamoDB's address, or the given one. The SDK would read its rules for accounts, FIPS and IPv6 each time.
 */
const addresses = new Map<string, URL>();
function endpointProvider({
  Endpoint,
  Region,
}: {
  Endpoint?: string | undefined;
  Region?: string | undefined;
}) {
  const address = Endpoint ?? `https://dynamodb.${Region}.amazonaws.com`;
  const url = addresses.get(address) ?? new URL(address);
  addresses.set(address, url);
  return { url, headers: {}, properties: {} };
}

function handlerOf() {
  const { send, close } = openTransport(true);
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(
      request: HttpRequest,
      { abortSignal }: { abortSignal?: AbortSignal } = {},
    ): Promise<{ response: HttpResponse }> {
      const { protocol, hostname, port, path, method, headers, body } = request;
      const url = { protocol, hostname, port, path };
      const { status, ...answer } = await send({ url, method, headers, body, limits: LIMITS, abortSignal });
      return {
        response: new HttpResponse({ statusCode: status, headers: answer.headers, body: answer.body }),
      };
    },
    destroy: close,
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  };
}

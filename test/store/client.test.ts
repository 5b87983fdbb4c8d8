import {
  DescribeTableCommand,
  DynamoDBServiceException,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openClient } from '../../lib/store/wire/client.ts';
import { serve } from '../support/local-server.ts';
import { TEST_CREDENTIALS } from '../support/table.ts';

const GET = { TableName: 't', Key: { pk: { S: 'a' } } };
const FOUND = JSON.stringify({ Item: { pk: { S: 'a' } } });
const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.0' };

function clientOf(endpoint: string | undefined) {
  Object.assign(process.env, TEST_CREDENTIALS);
  const client = openClient(endpoint);
  onTestFinished(() => client.destroy());
  return client;
}

const canceled = {
  __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
  Message: 'no',
  CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed', Item: { pk: { S: 'b' } } }],
};

describe('the client of the table', () => {
  it('the client keeps one connection open for consecutive calls', async () => {
    const { endpoint, sockets } = await serve((_request, response) => response.end(FOUND));
    const client = clientOf(endpoint);
    for (let i = 0; i < 3; i++) await client.send(new GetItemCommand(GET));
    expect(sockets).toHaveLength(1);
  });

  it('a call succeeds if the other side closed the kept connection meanwhile', async () => {
    const { endpoint, sockets } = await serve((_request, response) => response.end(FOUND));
    const client = clientOf(endpoint);
    await client.send(new GetItemCommand(GET));
    sockets[0]?.resetAndDestroy();
    // Sent before this process notices, as after Lambda has frozen it.
    const { Item, $metadata } = await client.send(new GetItemCommand(GET));
    expect(Item).toEqual({ pk: { S: 'a' } });
    expect($metadata.attempts).toBeLessThanOrEqual(2);
  });

  it('a connection that is reset in the middle of an answer is tried again', async () => {
    const { endpoint } = await serve((_request, response, count) => {
      if (count > 1) return void response.end(FOUND);
      response.writeHead(200, { ...JSON_TYPE, 'content-length': FOUND.length }).write(FOUND.slice(0, 5));
      setTimeout(() => response.socket?.resetAndDestroy(), 20);
    });
    const { Item, $metadata } = await clientOf(endpoint).send(new GetItemCommand(GET));
    expect(Item).toEqual({ pk: { S: 'a' } });
    expect($metadata.attempts).toBe(2);
  });

  it('a call without an answer ends in a TimeoutError after three attempts of two seconds', async () => {
    let asked = 0;
    const { endpoint } = await serve(() => {
      asked += 1;
    });
    const startedMs = performance.now();
    await expect(clientOf(endpoint).send(new GetItemCommand(GET))).rejects.toMatchObject({
      name: 'TimeoutError',
      $metadata: { attempts: 3 },
    });
    expect(asked).toBe(3);
    expect(performance.now() - startedMs).toBeGreaterThan(5_900);
  }, 15_000);

  it('an aborted call ends at once, is not repeated, and closes its connection', async () => {
    let asked = 0;
    const { endpoint, sockets } = await serve(() => {
      asked += 1;
    });
    const call = clientOf(endpoint).send(new GetItemCommand(GET), { abortSignal: AbortSignal.timeout(50) });
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(() => sockets[0]?.destroyed).toBe(true);
    expect(asked).toBe(1);
  });

  it('a canceled transaction is the class of the SDK, with the reason and the item of each write', async () => {
    const { endpoint } = await serve((_request, response) =>
      response.writeHead(400, JSON_TYPE).end(JSON.stringify(canceled)),
    );
    const error: unknown = await clientOf(endpoint)
      .send(new TransactWriteItemsCommand({ TransactItems: [], ClientRequestToken: 'once' }))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TransactionCanceledException);
    expect(error).toMatchObject({
      CancellationReasons: canceled.CancellationReasons,
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('a throttled call is repeated, and then has the class and the name of the SDK', async () => {
    let asked = 0;
    const { endpoint } = await serve((_request, response) => {
      asked += 1;
      response
        .writeHead(400, JSON_TYPE)
        .end(
          JSON.stringify({ __type: 'com.amazon.coral.availability#ThrottlingException', message: 'slow' }),
        );
    });
    const error: unknown = await clientOf(endpoint)
      .send(new ScanCommand({ TableName: 't' }))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DynamoDBServiceException);
    expect(error).toMatchObject({ name: 'ThrottlingException', $metadata: { attempts: 3 } });
    expect(asked).toBe(3);
  });

  it('every call is signed, with the token of the session, and names no SDK', async () => {
    process.env['AWS_SESSION_TOKEN'] = 'of-the-session';
    onTestFinished(() => void delete process.env['AWS_SESSION_TOKEN']);
    const seen: object[] = [];
    const { endpoint } = await serve(({ headers }, response) => {
      seen.push(headers);
      response.end('{}');
    });
    await clientOf(endpoint).send(new GetItemCommand(GET));
    expect(seen).toEqual([
      expect.objectContaining({
        host: new URL(endpoint).host,
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.GetItem',
        'x-amz-security-token': 'of-the-session',
        authorization: expect.stringMatching(
          /^AWS4-HMAC-SHA256 Credential=local\/\d{8}\/us-east-1\/dynamodb\/aws4_request, SignedHeaders=.*host;/,
        ),
      }),
    ]);
    expect(seen[0]).not.toHaveProperty('user-agent');
  });

  it('operations with bytes and times go through the whole protocol of the SDK', async () => {
    const { endpoint } = await serve(({ headers }, response) => {
      const isPut = String(headers['x-amz-target']).endsWith('PutItem');
      response.end(
        JSON.stringify(
          isPut ? { Attributes: { b: { B: 'aGk=' } } } : { Table: { CreationDateTime: 86_400 } },
        ),
      );
    });
    const client = clientOf(endpoint);
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 't' }));
    expect(Table?.CreationDateTime).toEqual(new Date(86_400_000));
    const { Attributes } = await client.send(new PutItemCommand({ TableName: 't', Item: {} }));
    expect(Attributes).toEqual({ b: { B: new Uint8Array([104, 105]) } });
  });

  it('without an endpoint, the client calls DynamoDB of its region', async () => {
    const client = clientOf(undefined);
    const hosts: unknown[] = [];
    client.middlewareStack.add(
      () =>
        async ({ request }) => {
          hosts.push(request);
          throw new Error('far enough');
        },
      { step: 'finalizeRequest', priority: 'low', name: 'stop' },
    );
    await expect(client.send(new GetItemCommand(GET))).rejects.toThrow('far enough');
    expect(hosts).toEqual([
      expect.objectContaining({ protocol: 'https:', hostname: 'dynamodb.us-east-1.amazonaws.com' }),
    ]);
  });

  it('the client keeps only middleware that a call needs', () => {
    const names = clientOf(undefined)
      .middlewareStack.identify()
      .map((entry) => entry.split(' ')[0]);
    expect(names.sort()).toEqual([
      'deserializerMiddleware',
      'hostHeaderMiddleware',
      'httpSigningMiddleware',
      'retryMiddleware',
      'serializerMiddleware',
    ]);
  });
});

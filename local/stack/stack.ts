import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { useLocalAws } from '../../cli/stage/local-aws.ts';
import type { Settings } from '../../cli/stage/local-settings.ts';
import { noteRunningStack } from '../../cli/stage/running.ts';
import { PROJECT_ROOT, readServerlessFile } from '../../cli/stage/serverless-file.ts';
import { ensureExpiry, ensureTable } from '../../cli/stage/table.ts';
import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { startMailbox } from '../mailbox/server.ts';
import { startApi } from './api-process.ts';
import { startBackground } from './background.ts';
import { startEngine } from './engine.ts';
import { assertPortFree, freePort } from './ports.ts';
import { type DemoCustomer, seedDemoCustomer } from './seed.ts';
import { type StripeBackend, startStripe } from './stripe-backend.ts';

/** Where the mailbox is, unless somebody else is there. */
const MAILBOX_PORT = 8_425;

/** The whole service on this machine, answering. */
export interface Stack {
  readonly url: string;
  readonly engine: string;
  readonly endpoint: string;
  readonly tableName: string;
  readonly customer: DemoCustomer;
  readonly stripe: Pick<StripeBackend, 'describe' | 'doubleUrl'>;
  /** Where the e-mails are that would have been sent: a page, and a file. */
  readonly mailbox: { readonly url: string; readonly file: string };
  /** Resolves, with the reason, only if a part of it ends by itself. */
  readonly failed: Promise<SetupError>;
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly signal?: AbortSignal;
  readonly onStep?: (what: string) => void;
  /** What the functions write while they serve. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

/**
 * Starts the engine, the table, Stripe's double, the demo customer and the API, in this order. If one fails, or `signal`
 * aborts, what had been started is stopped again.
 * @throws SetupError in one line for what can be expected to fail.
 */
export async function startStack(settings: Settings, options: StackOptions = {}): Promise<Stack> {
  const { signal = new AbortController().signal, onStep = () => {}, onLine = () => {} } = options;
  const { port, dataDir, dynamodbEndpoint, logLevel, stripe: choice } = settings;
  const { tableName, allowedOrigins } = readServerlessFile();
  const started: { stop(): Promise<void> }[] = [];
  const stop = async () => {
    for (const part of started.toReversed()) await part.stop();
  };

  try {
    await assertPortFree(port);
    if (choice.kind === 'double' && choice.port !== undefined) {
      await assertPortFree(choice.port, 'STRIPE_PORT');
    }
    useLocalAws(process.env);

    onStep('starting the engine');
    const engine = await startEngine({ dataDir, env: { DYNAMODB_ENDPOINT: dynamodbEndpoint } });
    started.push(engine);
    const { endpoint } = engine;
    signal.throwIfAborted();

    onStep('creating the table');
    await createTable(endpoint, tableName);
    signal.throwIfAborted();

    onStep(choice.kind === 'double' ? 'starting the Stripe double' : 'asking Stripe');
    const stripe = await startStripe(choice, { apiPort: port, dataDir });
    started.push(stripe);
    signal.throwIfAborted();

    onStep('seeding the demo customer');
    const customer = await seedDemoCustomer({ endpoint, tableName, stripe: stripe.settings, dataDir });
    signal.throwIfAborted();

    const mailbox = await startMailbox({
      port: await freePort(MAILBOX_PORT),
      file: dataDir === undefined ? scratchFile(`mailbox-${port}.jsonl`) : join(dataDir, 'mailbox.jsonl'),
      keep: dataDir !== undefined,
    });
    started.push(mailbox);
    signal.throwIfAborted();

    onStep('starting the API');
    const lambdaPort = await freePort();
    const api = await startApi({
      port,
      lambdaPort,
      endpoint,
      stripe: stripe.settings,
      mailUrl: mailbox.url,
      logLevel,
      allowedOrigins,
      signal,
      onLine,
    });
    started.push(api);
    signal.throwIfAborted();
    const lambdaEndpoint = `http://127.0.0.1:${lambdaPort}`;
    const forget = noteRunningStack(port, { endpoint, lambdaEndpoint, stripe: stripe.settings });
    started.push({ stop: async () => forget() });

    started.push(
      startBackground({
        endpoint,
        lambdaEndpoint,
        tableName,
        aheadMs: stripe.aheadMs,
        onLine: (line) => onLine(line, 'stderr'),
      }),
    );

    const failed = Promise.race([engine.exited, api.exited]).then((reason) => new SetupError(reason));
    return {
      url: `http://localhost:${port}`,
      engine: engine.describe,
      endpoint,
      tableName,
      customer,
      stripe,
      mailbox: { url: mailbox.url, file: mailbox.mailbox.file },
      failed,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function createTable(endpoint: string, tableName: string): Promise<void> {
  const client = new DynamoDBClient({ endpoint });
  try {
    await ensureTable(client, tableName);
    await ensureExpiry(client, tableName);
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`${endpoint} answers, but not as a DynamoDB engine does: ${reasonOf(error)}`);
  } finally {
    client.destroy();
  }
}

/** For what a stack writes that nobody asked to keep. */
function scratchFile(name: string): string {
  const folder = join(PROJECT_ROOT, '.cache');
  mkdirSync(folder, { recursive: true });
  return join(folder, name);
}

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startApi } from './api-process.ts';
import { useLocalAws } from './aws.ts';
import { startEngine } from './engine.ts';
import { assertPortFree } from './ports.ts';
import { noteRunningStack } from './running.ts';
import { type DemoCustomer, seedDemoCustomer } from './seed.ts';
import { readServerlessFile } from './serverless-file.ts';
import type { Settings } from './settings.ts';
import { reasonOf, SetupError } from './setup-error.ts';
import { type StripeBackend, startStripe } from './stripe-backend.ts';
import { ensureTable } from './table.ts';

/** The whole service on this machine, answering. */
export interface Stack {
  readonly url: string;
  readonly engine: string;
  readonly endpoint: string;
  readonly tableName: string;
  readonly customer: DemoCustomer;
  readonly stripe: Pick<StripeBackend, 'describe' | 'doubleUrl'>;
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

    onStep('starting the API');
    const api = await startApi({
      port,
      endpoint,
      stripe: stripe.settings,
      logLevel,
      allowedOrigins,
      signal,
      onLine,
    });
    started.push(api);
    signal.throwIfAborted();
    const forget = noteRunningStack(port, { endpoint, stripe: stripe.settings });
    started.push({ stop: async () => forget() });

    const failed = Promise.race([engine.exited, api.exited]).then((reason) => new SetupError(reason));
    return {
      url: `http://localhost:${port}`,
      engine: engine.describe,
      endpoint,
      tableName,
      customer,
      stripe,
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
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`${endpoint} answers, but not as a DynamoDB engine does: ${reasonOf(error)}`);
  } finally {
    client.destroy();
  }
}

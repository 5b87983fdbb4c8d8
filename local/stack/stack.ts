import { join, relative } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { useLocalAws } from '../../cli/stage/local-aws.ts';
import { DEFAULT_PORTS, type Settings } from '../../cli/stage/local-settings.ts';
import { bypassProxyForLoopback } from '../../cli/stage/loopback.ts';
import { registerRunningStack } from '../../cli/stage/running.ts';
import { PROJECT_ROOT, readServerlessFile } from '../../cli/stage/serverless-file.ts';
import { ensureExpiry, ensureTable } from '../../cli/stage/table.ts';
import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { startMailbox } from '../mailbox/server.ts';
import { startApi } from './api-process.ts';
import { startBackground } from './background.ts';
import { startEngine } from './engine.ts';
import { relayFromIpv6 } from './ipv6-loopback.ts';
import { assertPortFree, freePort } from './ports.ts';
import { type PrintLine, RestartableApi } from './restartable-api.ts';
import { type DemoCustomer, seedDemoCustomer } from './seed.ts';
import { stateFolder } from './state-folder.ts';
import { type StripeBackend, startStripe } from './stripe-backend.ts';
import { type CodeWatch, debounce, watchCode } from './watch.ts';

const WATCHED = ['functions', 'lib'] as const;

/** The whole service, running on this machine. */
export interface Stack {
  readonly url: string;
  readonly engine: string;
  readonly endpoint: string;
  readonly tableName: string;
  readonly customer: DemoCustomer;
  readonly stripe: Pick<StripeBackend, 'describe' | 'doubleUrl'>;
  /** The captured e-mails: a page and a file. */
  readonly mailbox: { readonly url: string; readonly file: string };
  /** The address where a debugger attaches to the functions. Null without an inspector. */
  readonly debugUrl: string | null;
  /** Resolves with the reason if a part of the stack exits without being stopped. */
  readonly failed: Promise<SetupError>;
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly signal?: AbortSignal;
  readonly onStep?: (title: string) => void;
  /** Called for each line that the functions write. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Restarts the API when the code of the functions changes. */
  readonly watch?: boolean;
}

/**
 * Starts the engine, the table, the Stripe double, the demo customer, the mailbox and the API, in this order.
 * If one fails, or `signal` aborts, stops the parts that were started.
 * @throws SetupError in one line for an expected failure
 */
export async function startStack(settings: Settings, options: StackOptions = {}): Promise<Stack> {
  const { signal = new AbortController().signal, watch = false } = options;
  const { onStep = () => {}, onLine = () => {} } = options;
  const { port, dataDir, dynamodbEndpoint, logLevel, mailboxPort, debugPort, stripe: choice } = settings;
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
    if (mailboxPort !== undefined) await assertPortFree(mailboxPort, 'MAILBOX_PORT');
    if (debugPort !== undefined) await assertPortFree(debugPort, 'DEBUG_PORT');
    const state = stateFolder();
    useLocalAws(process.env);
    bypassProxyForLoopback(process.env);
    const relay = async (url: string) => started.push(await relayFromIpv6(Number(new URL(url).port)));

    onStep('starting the engine');
    const engine = await startEngine({ dataDir, env: { DYNAMODB_ENDPOINT: dynamodbEndpoint } });
    started.push(engine);
    const { endpoint } = engine;
    signal.throwIfAborted();

    onStep('creating the table');
    await createTable(endpoint, tableName);
    signal.throwIfAborted();

    onStep(choice.kind === 'double' ? 'starting the Stripe double' : 'connecting to Stripe');
    const stripe = await startStripe(choice, { apiPort: port, dataDir });
    started.push(stripe);
    if (stripe.doubleUrl !== null) await relay(stripe.doubleUrl);
    signal.throwIfAborted();

    onStep('seeding the demo customer');
    const customer = await seedDemoCustomer({ endpoint, tableName, stripe: stripe.settings, dataDir });
    signal.throwIfAborted();

    const mailbox = await startMailbox({
      port: mailboxPort ?? (await freePort(DEFAULT_PORTS.MAILBOX_PORT)),
      file: dataDir === undefined ? join(state, `mailbox-${port}.jsonl`) : join(dataDir, 'mailbox.jsonl'),
      keep: dataDir !== undefined,
    });
    started.push(mailbox);
    await relay(mailbox.url);
    signal.throwIfAborted();

    onStep('starting the API');
    const lambdaPort = await freePort();
    const start = () =>
      startApi({
        port,
        lambdaPort,
        endpoint,
        stripe: stripe.settings,
        mailUrl: mailbox.url,
        logLevel,
        allowedOrigins,
        debugPort,
        signal,
        onLine,
      });
    const print = (line: string) => onLine(line, 'stderr');
    const api = new RestartableApi(start, print);
    started.push(api);
    await api.start();
    started.push(await relayFromIpv6(port));
    signal.throwIfAborted();
    const lambdaEndpoint = `http://127.0.0.1:${lambdaPort}`;
    const unregister = registerRunningStack(port, {
      owner: { pid: process.pid, folder: PROJECT_ROOT, startedAt: new Date().toISOString() },
      endpoint,
      lambdaEndpoint,
      stripe: stripe.settings,
    });
    started.push({ stop: async () => unregister() });

    started.push(
      startBackground({
        endpoint,
        lambdaEndpoint,
        tableName,
        aheadMs: stripe.aheadMs,
        untilUp: (until) => api.untilUp(until),
        onLine: print,
      }),
    );
    if (watch) {
      const watching = restartOnChange(api, print);
      started.push(watching);
      await watching.ready;
    }

    const failed = Promise.race([engine.exited, api.exited]).then((reason) => new SetupError(reason));
    return {
      url: `http://localhost:${port}`,
      engine: engine.describe,
      endpoint,
      tableName,
      customer,
      stripe,
      mailbox: { url: mailbox.url, file: mailbox.mailbox.file },
      debugUrl: debugPort === undefined ? null : `http://127.0.0.1:${debugPort}`,
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
    throw new SetupError(`${endpoint} answers, but not like a DynamoDB engine: ${reasonOf(error)}`);
  } finally {
    client.destroy();
  }
}

function restartOnChange(api: RestartableApi, print: PrintLine): CodeWatch {
  const changed = new Set<string>();
  const restart = debounce(async () => {
    print(`${[...changed].sort().join(', ')} changed: restarting the API`);
    changed.clear();
    await api.restart();
  });
  return watchCode(
    WATCHED.map((folder) => join(PROJECT_ROOT, folder)),
    {
      onChange: (file) => {
        changed.add(relative(PROJECT_ROOT, file));
        restart();
      },
      onError: (error) => print(`--watch failed: ${reasonOf(error)}`),
    },
  );
}

import * as z from 'zod/mini';
import { reasonOf } from '../../lib/settings/setup-error.ts';
import { isLiveStage } from '../../lib/settings/stripe.ts';
import { isLoopback } from '../../lib/settings/stripe-environment.ts';
import { LOCAL_STAGE } from '../stage/serverless-file.ts';
import { STAGES, type StageName } from '../stage/stage.ts';
import { EXIT, Failure, usageFailure } from '../terminal/failure.ts';

const ANSWER_WITHIN_MS = 10_000;
const Health = z.object({ status: z.literal('ok'), stage: z.string() });

export interface SmokeTarget {
  readonly url: string;
  /** The stage's name for the command line. */
  readonly name: StageName;
  /** The stage that the service reports. */
  readonly stage: string;
}

export interface TargetRequest {
  readonly url: string;
  /** Null if no stage was named. Then it is the local stack, or the stage that answers at the URL. */
  readonly stage: StageName | null;
  /** Port of the local stack. */
  readonly localPort: number;
}

/**
 * Checks, before anything is created, that a test stage answers at the URL and that its functions will do the
 * cleanup.
 * @throws Failure
 */
export async function findTarget(request: TargetRequest): Promise<SmokeTarget> {
  if (request.stage !== null && isLiveStage(request.stage)) throw liveStage(request.stage);
  const url = parseUrl(request.url);
  const named = request.stage ?? (isLoopback(url) ? 'local' : null);
  if (named === 'local') assertIsLocal(url, request.localPort);
  const { stage } = await readHealth(url);
  if (isLiveStage(stage)) throw liveStage(stage);
  const name = named ?? STAGES.find((known) => known === stage);
  if (name === undefined)
    throw usageFailure(`${url} is the stage ${stage}, which this release does not know.`);
  if (stage === (name === 'local' ? LOCAL_STAGE : name)) return { url, name, stage };
  throw usageFailure(`${url} is the stage ${stage}, but --stage is ${name}. Use the stage of the URL.`);
}

const liveStage = (stage: string): Failure =>
  new Failure(
    'live_stage',
    `${stage} is live, and smoke signs up a customer and pays. Use a test stage.`,
    EXIT.refused,
  );

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.search + url.hash + url.username === '') {
    return url.href.replace(/\/+$/, '');
  }
  throw usageFailure(
    `--url is "${text}"; it must be the http or https address of the API, like https://api.example.com`,
  );
}

/** The cleanup goes to the stack on `port`. With another stack at the URL, it would not find the customer. */
function assertIsLocal(url: string, port: number): void {
  if (isLoopback(url) && new URL(url).port === String(port)) return;
  throw usageFailure(
    `${url} is not the local stack, which is http://localhost:${port}. Set --stage or PORT to match the URL.`,
  );
}

async function readHealth(url: string): Promise<z.output<typeof Health>> {
  const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }).catch(
    (error: unknown) => {
      const detail = `${url} does not answer: ${reasonOf(error)}. Check the address and the network.`;
      throw new Failure('stage_unreachable', detail, EXIT.unreachable);
    },
  );
  const health = Health.safeParse(await response.json().catch(() => undefined));
  if (response.ok && health.success) return health.data;
  const detail =
    `GET ${url}/health answers ${response.status}: unhealthy, or not this API. ` +
    'Check the URL. Try: doctor';
  throw new Failure('stage_unwell', detail, EXIT.unreachable);
}

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
  /** As the command line knows it. */
  readonly name: StageName;
  /** What the service there says it is. */
  readonly stage: string;
}

export interface Wanted {
  readonly url: string;
  /** Null where no stage was named: then it is the stack on this machine, or the stage that answers. */
  readonly stage: StageName | null;
  /** Of the stack on this machine. */
  readonly localPort: number;
}

/**
 * Makes sure, before anything is created, that a test stage answers at the url, and that it is the one whose functions will
 * clean up.
 * @throws Failure
 */
export async function findTarget(wanted: Wanted): Promise<SmokeTarget> {
  if (wanted.stage !== null && isLiveStage(wanted.stage)) throw liveStage(wanted.stage);
  const url = baseUrl(wanted.url);
  const named = wanted.stage ?? (isLoopback(url) ? 'local' : null);
  if (named === 'local') assertIsLocal(url, wanted.localPort);
  const { stage } = await readHealth(url);
  if (isLiveStage(stage)) throw liveStage(stage);
  const name = named ?? STAGES.find((known) => known === stage);
  if (name === undefined)
    throw usageFailure(`${url} is the stage ${stage}, which this release does not know.`);
  if (stage === (name === 'local' ? LOCAL_STAGE : name)) return { url, name, stage };
  throw usageFailure(`${url} is the stage ${stage}, and --stage says ${name}. Give the stage that is there.`);
}

const liveStage = (stage: string): Failure =>
  new Failure(
    'live_stage',
    `${stage} is live: smoke signs a customer up and pays. Use a test stage.`,
    EXIT.refused,
  );

function baseUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.search + url.hash + url.username === '') {
    return url.href.replace(/\/+$/, '');
  }
  throw usageFailure(
    `--url is "${given}"; it must be the http or https address of the API, like https://api.example.com`,
  );
}

/** Two stacks on one machine, or one here and one elsewhere, would have each the other's customers to remove. */
function assertIsLocal(url: string, port: number): void {
  if (isLoopback(url) && new URL(url).port === String(port)) return;
  throw usageFailure(
    `${url} is not the stack on this machine, which is http://localhost:${port}. Give --stage, or PORT, for what is there.`,
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
  const detail = `GET ${url}/health answers ${response.status}, and not as a stage that is well. Is it the address of the API? Try: doctor`;
  throw new Failure('stage_unwell', detail, EXIT.unreachable);
}

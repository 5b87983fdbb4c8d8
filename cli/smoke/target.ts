import * as z from 'zod/mini';
import { isLiveStage } from '../../lib/stripe/config.ts';
import { LOCAL_STAGE } from '../../local/serverless-file.ts';
import { reasonOf } from '../../local/setup-error.ts';
import { isLoopback } from '../../local/stripe-settings.ts';
import { EXIT, Failure, usageFailure } from '../failure.ts';
import type { StageName } from '../stage.ts';

const ANSWER_WITHIN_MS = 10_000;
const Health = z.object({ status: z.literal('ok'), stage: z.string() });

export interface SmokeTarget {
  readonly url: string;
  /** What the service there says it is. */
  readonly stage: string;
}

/**
 * Makes sure, before anything is created, that a test stage answers at `url`, and that it is the one whose functions will
 * clean up.
 * @param localPort of the stack on this machine, where that is the stage
 * @throws Failure
 */
export async function findTarget(
  given: string,
  stage: StageName,
  localPort: number | null,
): Promise<SmokeTarget> {
  if (isLiveStage(stage)) throw liveStage(stage);
  const url = baseUrl(given);
  if (localPort !== null) assertIsLocal(url, localPort);
  const { stage: found } = await readHealth(url);
  if (isLiveStage(found)) throw liveStage(found);
  const wanted = stage === 'local' ? LOCAL_STAGE : stage;
  if (found !== wanted) {
    throw usageFailure(
      `${url} is the stage ${found}, and --stage says ${stage}. Give the stage that is there.`,
    );
  }
  return { url, stage: found };
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

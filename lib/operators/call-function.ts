import * as z from 'zod/mini';
import { signedCall } from '../settings/signed-call.ts';
import type { OperatorContract } from './contract.ts';

const Answer = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({ ok: z.literal(false), problem: z.object({ code: z.string() }) }),
]);

export interface CalledFunction<Result> {
  readonly contract: OperatorContract<z.ZodMiniType, z.ZodMiniType<Result>>;
  readonly input: unknown;
  readonly timeoutMs: number;
}

/**
 * Invokes an operator function of the same stage, with the role of the calling function. Not retried.
 * @throws Error with the code of a refusal; or if there is no valid answer in time
 */
export async function callFunction<Result>(
  env: NodeJS.ProcessEnv,
  { contract, input, timeoutMs }: CalledFunction<Result>,
): Promise<Result> {
  const prefix = env['FUNCTION_PREFIX'] ?? '';
  const payload = await signedCall(env, {
    service: 'lambda',
    host: 'lambda',
    endpoint: env['AWS_ENDPOINT_URL_LAMBDA'],
    path: `/2015-03-31/functions/${prefix}${contract.name}/invocations`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
    timeoutMs,
  });
  const answer = Answer.safeParse(payload);
  // A function that crashed answers without `ok`.
  if (!answer.success) throw new Error(`${contract.name} ended without an answer`);
  if (!answer.data.ok) throw new Error(`${contract.name} refused: ${answer.data.problem.code}`);
  return contract.result.parse(answer.data.result);
}

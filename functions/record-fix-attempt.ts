import { recordFixAttemptContract } from '../lib/http/contracts/fix-attempts.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { newFixAttempt, pullRequest, repositoryIdOf } from '../lib/http/views/fix-attempt-input.ts';
import { recordedFixView } from '../lib/http/views/fix-attempts.ts';
import { estimateKeys, estimateMerge } from '../lib/operations/fixes/estimate-merge.ts';
import { attemptKeys, recordFixAttempt } from '../lib/operations/fixes/record-fix-attempt.ts';

/** POST /api/v1/fix-attempts */
export const handler = customerEndpoint(
  recordFixAttemptContract,
  (customerId, { body }, at) => [
    ...estimateKeys(customerId, at),
    ...attemptKeys(customerId, pullRequest(body), repositoryIdOf(body)),
  ],
  async (deps, { input: { body }, customerId, keyUse, items: [head, tries, spent, ...attempts], at }) => {
    const attempt = newFixAttempt(body);
    const repositoryId = repositoryIdOf(body);
    const { created, fix } = await recordFixAttempt(
      deps,
      customerId,
      attempt,
      repositoryId,
      attempts,
      keyUse,
    );
    const cost = estimateMerge([head, tries, spent], fix, at);
    return { status: created ? 201 : 200, body: recordedFixView(fix, cost) };
  },
);

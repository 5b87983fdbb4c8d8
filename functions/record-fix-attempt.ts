import { recordFixAttemptContract } from '../lib/http/contracts/fix-attempts.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { newFixAttempt, pullRequest, repositoryIdOf } from '../lib/http/views/fix-attempt-input.ts';
import { fixAttemptView } from '../lib/http/views/fix-attempts.ts';
import { attemptKeys, recordFixAttempt } from '../lib/operations/fixes/record-fix-attempt.ts';

/** POST /api/v1/fix-attempts */
export const handler = customerEndpoint(
  recordFixAttemptContract,
  (customerId, { body }) => attemptKeys(customerId, pullRequest(body), repositoryIdOf(body)),
  async (deps, { input: { body }, customerId, items }) => {
    const repositoryId = repositoryIdOf(body);
    const { created, fix } = await recordFixAttempt(
      deps,
      customerId,
      newFixAttempt(body),
      repositoryId,
      items,
    );
    return { status: created ? 201 : 200, body: fixAttemptView(fix) };
  },
);

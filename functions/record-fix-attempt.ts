import { fixAttemptId } from '../lib/domain/fix-attempt.ts';
import { recordFixAttemptContract } from '../lib/http/contracts/fix-attempts.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { newFixAttempt, pullRequest } from '../lib/http/views/fix-attempt-input.ts';
import { fixAttemptView } from '../lib/http/views/fix-attempts.ts';
import { recordFixAttempt } from '../lib/operations/fixes/record-fix-attempt.ts';
import { decodeFix } from '../lib/store/fix-attempts.ts';
import { keys } from '../lib/store/keys.ts';

/** POST /api/v1/fix-attempts */
export const handler = customerEndpoint(
  recordFixAttemptContract,
  (customerId, { body }) => [keys.fix(customerId, fixAttemptId(pullRequest(body)))],
  async (deps, { input, customerId, items: [stored] }) => {
    if (stored !== undefined) return { status: 200, body: fixAttemptView(decodeFix(stored)) };
    const { created, fix } = await recordFixAttempt(deps, customerId, newFixAttempt(input.body));
    return { status: created ? 201 : 200, body: fixAttemptView(fix) };
  },
);

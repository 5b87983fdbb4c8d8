import { fixAttemptId } from '../lib/domain/fix-attempt.ts';
import { findFixAttemptContract } from '../lib/http/contracts/fix-attempts.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { pullRequest } from '../lib/http/views/fix-attempt-input.ts';
import { fixAttemptView } from '../lib/http/views/fix-attempts.ts';
import { existingFix } from '../lib/operations/ledger/require-item.ts';
import { keys } from '../lib/store/keys.ts';

/** GET /api/v1/fix-attempts */
export const handler = customerEndpoint(
  findFixAttemptContract,
  (customerId, { query }) => [keys.fix(customerId, fixAttemptId(pullRequest(query)))],
  async (_deps, { items: [stored] }) => ({ status: 200, body: fixAttemptView(existingFix(stored)) }),
);

import { findFixAttemptContract } from '../lib/http/contracts/fix-attempts.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { pullRequest } from '../lib/http/views/fix-attempt-input.ts';
import { fixAttemptView } from '../lib/http/views/fix-attempts.ts';
import { attemptKeys, newestAttempt } from '../lib/operations/fixes/record-fix-attempt.ts';
import { requireFix } from '../lib/operations/ledger/require-item.ts';

/** GET /api/v1/fix-attempts */
export const handler = customerEndpoint(
  findFixAttemptContract,
  (customerId, { query }) => attemptKeys(customerId, pullRequest(query), null),
  async (deps, { customerId, items: [stored] }) => ({
    status: 200,
    body: fixAttemptView(await newestAttempt(deps, customerId, requireFix(stored))),
  }),
);

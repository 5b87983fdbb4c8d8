import { billFixAttemptContract } from '../lib/http/contracts/fix-attempts.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { billedView } from '../lib/http/views/billing-problems.ts';
import { billFixAttempt } from '../lib/operations/fixes/bill-fix-attempt.ts';
import { reportCreditOrBlock } from '../lib/operations/fixes/report-billing.ts';
import { requireFix, requireHead } from '../lib/operations/ledger/require-item.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { keys } from '../lib/store/keys.ts';

/** POST /api/v1/fix-attempts/{id}/billing */
export const handler = customerEndpoint(
  billFixAttemptContract,
  (customerId, { params }) => [keys.head(customerId), keys.fix(customerId, params.id)],
  async (deps, { input: { params }, customerId, keyUse, items: [head, fix] }) => {
    const read = { head: requireHead(head, customerId), related: requireFix(fix) };
    const billing = await billFixAttempt(paymentDeps(deps), customerId, params.id, read, { keyUse });
    reportCreditOrBlock(deps, customerId, params.id, billing);
    return { status: 200, body: billedView(params.id, billing) };
  },
);

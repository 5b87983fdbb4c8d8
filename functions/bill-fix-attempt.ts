import { billFixAttemptContract, type FixBilled } from '../lib/http/contracts/fix-attempts.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { unbilled } from '../lib/http/views/billing-problems.ts';
import { billFixAttempt } from '../lib/operations/fixes/bill-fix-attempt.ts';
import { existingFix, existingHead } from '../lib/operations/ledger/require-item.ts';
import { countBusiness } from '../lib/runtime/observe.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { keys } from '../lib/store/keys.ts';

/** POST /api/v1/fix-attempts/{id}/billing */
export const handler = customerEndpoint(
  billFixAttemptContract,
  (customerId, { params }) => [keys.head(customerId), keys.fix(customerId, params.id)],
  async (deps, { input, customerId, items: [head, fix] }) => {
    const read = { head: existingHead(head, customerId), related: existingFix(fix) };
    const billing = await billFixAttempt(paymentDeps(deps), customerId, input.params.id, read);
    switch (billing.kind) {
      case 'billed': {
        const { billed, already, balance } = billing;
        // A charge is counted where it is settled, which need not be here.
        if (!already && billed.outcome === 'credit_consumed') countBusiness('FixBilled');
        const body: FixBilled = {
          id: input.params.id,
          billing_status: 'billed',
          message: already ? 'Already billed' : 'Billed',
          outcome: billed.outcome,
          amount_cents: billed.amountCents,
          credit_balance: balance,
        };
        return { status: 200, body };
      }
      case 'blocked':
      case 'declined':
      case 'action_required':
        // So is a decline: asking again about one that waits for its cardholder is no other charge.
        if (billing.kind === 'blocked') countBusiness('FixBlocked');
        throw unbilled(billing);
      default:
        return billing satisfies never;
    }
  },
);

import { BillingError } from '../lib/errors.ts';
import { billFixAttemptContract, type FixBilled } from '../lib/http/contracts/fix-attempts.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { countBusiness } from '../lib/http/observe.ts';
import { billFixAttempt, existingFix } from '../lib/operations/bill-fix-attempt.ts';
import { existingHead } from '../lib/operations/change-ledger.ts';
import { keys } from '../lib/store/keys.ts';

/** POST /api/v1/fix-attempts/{id}/billing */
export const handler = customerEndpoint(
  billFixAttemptContract,
  (customerId, { params }) => [keys.head(customerId), keys.fix(customerId, params.id)],
  async (deps, { input, customerId, items: [head, fix] }) => {
    const read = { head: existingHead(head, customerId), once: existingFix(fix) };
    const billing = await billFixAttempt(deps, customerId, input.params.id, read);
    switch (billing.kind) {
      case 'billed': {
        const { billed, already, balance } = billing;
        if (!already) countBusiness('FixBilled');
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
      case 'blocked': {
        countBusiness('FixBlocked');
        const detail =
          'No credits are left and no payment method is on file. Add a payment method, then bill again.';
        throw new BillingError(billing.code, detail, { credit_balance: billing.balance });
      }
      default:
        return billing satisfies never;
    }
  },
);

import { planAt } from '../lib/domain/subscription.ts';
import { accountWarnings } from '../lib/domain/warnings.ts';
import { BillingError } from '../lib/errors.ts';
import { getUsageContract, type UsageView } from '../lib/http/contracts/account.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { pricingView, transactionView } from '../lib/http/views/account.ts';
import { readHeadAndNewest } from '../lib/store/ledger.ts';

const RECENT = 10;

/** GET /api/v1/usage */
export const handler = customerEndpoint(
  getUsageContract,
  () => [],
  async ({ table, now }, { customerId }) => {
    const at = now();
    const account = await readHeadAndNewest(table, customerId, RECENT);
    if (account === null)
      throw new BillingError('customer_not_found', 'The customer of this key does not exist.');
    const { head, newest } = account;
    const body: UsageView = {
      credit_balance: head.balance,
      subscription_type: planAt(head, at),
      subscription_state: head.subscription?.state ?? null,
      cancel_at_period_end: head.subscription?.cancelAtPeriodEnd ?? false,
      current_period_end: head.subscription?.currentPeriodEnd ?? null,
      covered_until: head.subscription?.coveredUntil ?? null,
      has_payment_method: head.paymentMethodId !== null,
      recent_transactions: newest.map(transactionView),
      warnings: accountWarnings(head, at),
      pricing: pricingView(),
    };
    return { status: 200, body };
  },
);

import { exposureOf } from '../lib/domain/payments/exposure.ts';
import { monthOf } from '../lib/domain/payments/spending.ts';
import { countUnbilledFixes } from '../lib/domain/payments/unbilled-fixes.ts';
import { getExposureContract } from '../lib/http/contracts/spending.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { exposureView } from '../lib/http/views/merge-cost.ts';
import { requireHead } from '../lib/operations/ledger/require-item.ts';
import { keys } from '../lib/store/keys.ts';
import { decodeCardTries } from '../lib/store/payments/card-tries.ts';
import { recordedByDay } from '../lib/store/payments/recorded-days.ts';
import { decodeSpending, spendingKey } from '../lib/store/payments/spending.ts';

/** GET /api/v1/exposure */
export const handler = customerEndpoint(
  getExposureContract,
  (customerId, _, at) => [keys.head(customerId), keys.cardTries(customerId), spendingKey(customerId, at)],
  async ({ table }, { customerId, items: [stored, tries, spent], at }) => {
    const head = requireHead(stored, customerId);
    const { cards } = decodeCardTries(tries);
    const spending = decodeSpending(spent, monthOf(at));
    const recorded = await recordedByDay(table, customerId, at);
    const unbilledFixes = countUnbilledFixes(recorded, head.billedByDay, at);
    return { status: 200, body: exposureView(exposureOf({ head, cards, spending, at }, unbilledFixes)) };
  },
);

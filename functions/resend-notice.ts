import { BillingError } from '../lib/errors.ts';
import { resendNotice } from '../lib/operations/notices/resend-notice.ts';
import { resendNoticeContract } from '../lib/operators/contracts.ts';
import { operatorFunction } from '../lib/operators/operator-function.ts';
import { noticeName } from '../lib/store/keys.ts';

/** Sends a notice again after its delivery was given up. */
export const handler = operatorFunction({
  ...resendNoticeContract,
  run: async (deps, { customer_id, notice }) => {
    const name = noticeName(customer_id, notice);
    if (name === null)
      throw new BillingError('notice_not_found', `There is no kind of notice called ${notice}.`);
    return { requeued: await resendNotice(deps, name) };
  },
});

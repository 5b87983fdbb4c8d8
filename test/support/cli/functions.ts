import type { Transport } from '../../../cli/stage/transport.ts';
import { handler as adjustCredits } from '../../../functions/adjust-credits.ts';
import { handler as closeCustomer } from '../../../functions/close-customer.ts';
import { handler as issueCustomerKey } from '../../../functions/issue-customer-key.ts';
import { handler as reconcile } from '../../../functions/reconcile.ts';
import { handler as removeTestCustomer } from '../../../functions/remove-test-customer.ts';
import { handler as replayEvent } from '../../../functions/replay-event.ts';
import { handler as resendNotice } from '../../../functions/resend-notice.ts';
import { handler as revokeCustomerKey } from '../../../functions/revoke-customer-key.ts';
import { handler as settlePendingCharges } from '../../../functions/settle-pending-charges.ts';
import { handler as warnLowBalances } from '../../../functions/warn-low-balances.ts';

export const PREFIX = 'rsolv-billing-dev-';

const FUNCTIONS: Readonly<Record<string, (event: unknown) => Promise<unknown>>> = {
  'adjust-credits': adjustCredits,
  'close-customer': closeCustomer,
  'issue-customer-key': issueCustomerKey,
  reconcile,
  'remove-test-customer': removeTestCustomer,
  'replay-event': replayEvent,
  'resend-notice': resendNotice,
  'revoke-customer-key': revokeCustomerKey,
  'settle-pending-charges': settlePendingCharges,
  'warn-low-balances': warnLowBalances,
};

/** Runs the functions of the service in this process. Input and output pass through JSON, as with Lambda. */
export const functionsInProcess: Transport = {
  invoke: async (functionName, payload) => {
    const run = FUNCTIONS[functionName.slice(PREFIX.length)];
    if (run === undefined || !functionName.startsWith(PREFIX)) return { kind: 'missing' };
    try {
      return { kind: 'answered', payload: JSON.stringify(await run(JSON.parse(payload))) };
    } catch {
      return { kind: 'failed' };
    }
  },
  close: () => {},
};

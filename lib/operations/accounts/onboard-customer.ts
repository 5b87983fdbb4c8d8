import { apiKeyId, formatApiKey } from '../../domain/api-key.ts';
import { type CustomerHead, NEW_PROFILE } from '../../domain/customer.ts';
import { emptyLedger, post } from '../../domain/ledger.ts';
import { keyIssued } from '../../domain/notices/key-notices.ts';
import { GRANTED_CREDITS } from '../../domain/pricing.ts';
import { isTestCustomerEmail } from '../../domain/test-customer.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { putFirstKey } from '../../store/api-keys.ts';
import { createCustomer } from '../../store/ledger.ts';
import { putNotice } from '../../store/notices.ts';
import { reportChange } from '../ledger/report-change.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { isDisposable } from './disposable-email.ts';

export interface NewCustomer {
  readonly name: string;
  readonly email: string;
  /** Where the customer came from; stored with the trial grant. */
  readonly source: string;
}

export interface Onboarded {
  readonly head: CustomerHead;
  readonly keyId: string;
  /** The key is available only here; the table stores its hash. */
  readonly apiKey: string;
}

/**
 * Signs a customer up with the trial credits and a first key. One transaction claims the e-mail address, so
 * only one of several concurrent calls wins and the trial is granted once.
 * @throws BillingError disposable_email, email_taken, ledger_busy, ledger_unavailable
 */
export async function onboardCustomer(deps: Deps, { name, email, source }: NewCustomer): Promise<Onboarded> {
  if (isDisposable(email)) {
    throw new BillingError('disposable_email', 'Use a permanent address.', {
      errors: [{ field: 'email', message: 'is at a disposable e-mail provider' }],
    });
  }
  const customerId = Buffer.from(deps.randomBytes(16)).toString('hex');
  const apiKey = formatApiKey(customerId, deps.randomBytes(32));
  const keyId = apiKeyId(apiKey);
  const at = deps.now();
  const trial = { amount: GRANTED_CREDITS.trial, source: 'trial_signup', metadata: { source } } as const;
  const { state, entries } = post(emptyLedger(customerId), [trial], at);
  const head: CustomerHead = {
    ...state,
    raisedSeq: state.seq,
    balanceLevel: 'fine',
    name,
    email,
    ...NEW_PROFILE,
    revision: 0,
    activeKeys: 1,
    billedByDay: '',
    accountKeys: 1,
    createdAt: at.toISOString(),
  };
  const alongside = [
    putFirstKey(customerId, {
      keyId,
      name: null,
      scope: 'account',
      isTest: isTestCustomerEmail(email),
      createdAt: head.createdAt,
    }),
    putNotice(keyIssued(customerId, keyId, 'sign_up', at)),
  ];
  const result = await retryContended(deps, () => createCustomer(deps.table, head, entries, alongside));
  if (result.kind === 'written') {
    deps.report({ kind: 'customer_onboarded', customerId });
    reportChange(deps, head, head, entries);
    return { head, keyId, apiKey };
  }

  const [holder] = result.winners;
  // A retry after a lost answer finds that this customer has claimed the address: the sign-up succeeded.
  if (holder?.['customer_id'] === customerId) return { head, keyId, apiKey };
  if (holder === undefined) throw new Error(`Customer id ${customerId} was drawn twice`);
  throw new BillingError(
    'email_taken',
    'There is an account for this address. Use its API key, or ask support.',
  );
}

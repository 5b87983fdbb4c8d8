import { addPaymentMethodContract } from '../lib/http/contracts/payments.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { addedCardView } from '../lib/http/views/account.ts';
import { addPaymentMethod } from '../lib/operations/accounts/add-payment-method.ts';
import { requireHead } from '../lib/operations/ledger/require-item.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { keys } from '../lib/store/keys.ts';

/** POST /api/v1/payment-method */
export const handler = customerEndpoint(
  addPaymentMethodContract,
  (customerId) => [keys.head(customerId)],
  async (deps, { input: { body }, customerId, items: [item], origin: { keyId, ...source } }) => {
    const known = requireHead(item, customerId);
    const consent = { ...source, by: { kind: 'api_key', keyId } } as const;
    const added = await addPaymentMethod(paymentDeps(deps), known, body.payment_method_id, consent);
    deps.report({ kind: 'payment_method_added', customerId });
    return { status: 200, body: addedCardView(added, deps.now()) };
  },
);

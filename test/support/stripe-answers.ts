import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { StripeFault, type StripeFaultFacts, type StripeFaultKind } from '../../lib/stripe/fault.ts';
import type { StripePort } from '../../lib/stripe/port.ts';

/** Replaces some of Stripe's answers. The stand-in gives the others. */
export async function answering(
  deps: PaymentDeps,
  answers: (port: StripePort) => Partial<StripePort>,
): Promise<PaymentDeps> {
  const port = await deps.stripe();
  return { ...deps, stripe: async () => ({ ...port, ...answers(port) }) };
}

/** A call that fails like the SDK's, without the wait. */
export const failing =
  (kind: StripeFaultKind, facts: StripeFaultFacts = {}) =>
  async (): Promise<never> => {
    throw new StripeFault(kind, facts);
  };

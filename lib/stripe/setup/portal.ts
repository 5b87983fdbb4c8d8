import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { PAGE } from '../paging.ts';
import { createOnce, type Ensured } from './create-once.ts';

/*
 * The configuration of Stripe's customer portal, found by its metadata. It shows invoices and lets customers
 * change address and tax id. Cards are added with Checkout, and plans change on our own page.
 */

const LABEL = { rsolv: 'billing' } as const;

const FEATURES = {
  invoice_history: { enabled: true },
  customer_update: { enabled: true, allowed_updates: ['address', 'tax_id'] },
  payment_method_update: { enabled: false },
  subscription_cancel: { enabled: false },
  subscription_update: { enabled: false },
} satisfies Stripe.BillingPortal.ConfigurationCreateParams.Features;

/** The active configuration that the setup made; null if there is none. */
export async function findPortalConfiguration(
  stripe: Stripe,
): Promise<Stripe.BillingPortal.Configuration | null> {
  for await (const one of stripe.billingPortal.configurations.list({ active: true, limit: PAGE })) {
    if (one.metadata?.['rsolv'] === LABEL.rsolv) return one;
  }
  return null;
}

/** Ensures the configuration with exactly our features. Idempotent. */
export async function ensurePortalConfiguration(stripe: Stripe): Promise<Ensured> {
  const found = await findPortalConfiguration(stripe);
  if (found === null) {
    const { id } = await createOnce(
      ['portal', createHash('sha256').update(JSON.stringify(FEATURES)).digest('hex')],
      (idempotencyKey) =>
        stripe.billingPortal.configurations.create(
          { features: FEATURES, metadata: LABEL },
          { idempotencyKey },
        ),
      async (made) => (await findPortalConfiguration(stripe))?.id === made.id,
    );
    return { id, outcome: 'created', notes: [] };
  }
  if (portalFaults(found).length === 0) return { id: found.id, outcome: 'found', notes: [] };
  await stripe.billingPortal.configurations.update(found.id, { features: FEATURES });
  return {
    id: found.id,
    outcome: 'updated',
    notes: ['Its features were changed by hand and are ours again.'],
  };
}

/** What a configuration offers that it must not, or lacks. Empty if it is right. */
export function portalFaults({ features }: Stripe.BillingPortal.Configuration): string[] {
  const { customer_update: update } = features;
  const updates = update.enabled ? update.allowed_updates.toSorted().join(', ') : 'nothing';
  return [
    ...(features.invoice_history.enabled ? [] : ['it shows no invoices']),
    ...(updates === 'address, tax_id' ? [] : [`it changes ${updates} of the customer`]),
    ...(features.payment_method_update.enabled ? ['it changes cards'] : []),
    ...(features.subscription_cancel.enabled ? ['it cancels subscriptions'] : []),
    ...(features.subscription_update.enabled ? ['it changes subscriptions'] : []),
  ];
}

import { DOMAIN } from './explained/domain.ts';
import { OPERATIONS } from './explained/operations.ts';
import { PAGE } from './explained/page.ts';
import { PLANS } from './explained/plans.ts';
import { STORE } from './explained/store.ts';
import { STRIPE } from './explained/stripe.ts';
import type { Explained } from './explanation.ts';

export const EXPLAINED: readonly Explained[] = [
  ...DOMAIN,
  ...OPERATIONS,
  ...PAGE,
  ...PLANS,
  ...STORE,
  ...STRIPE,
];

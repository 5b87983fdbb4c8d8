import { DOMAIN } from './explained/domain.ts';
import { OPERATIONS } from './explained/operations.ts';
import { STORE } from './explained/store.ts';
import { STRIPE } from './explained/stripe.ts';
import type { Explained } from './explanation.ts';

export const EXPLAINED: readonly Explained[] = [...DOMAIN, ...OPERATIONS, ...STORE, ...STRIPE];

import type Stripe from 'stripe';
import { missing } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { route } from '../http/route.ts';
import type { Scope } from '../scope.ts';

const ACCOUNT_ID = 'acct_1Double000000000';

export const accountRoutes = [
  route('GET', '/v1/account', {}, () => ownAccount()),
  route('GET', '/v1/accounts/:id', {}, (_: Scope, _input, { id = '' }) => {
    if (id !== ACCOUNT_ID) throw missing('account', id, 'path');
    return ownAccount();
  }),
  // An account without connected accounts has an empty list, as at Stripe: it does not list itself.
  route('GET', '/v1/accounts', page, (_: Scope, window) => paginate('/v1/accounts', [], window)),
];

/** The stand-in's only account. */
function ownAccount(): Stripe.Account {
  return {
    id: ACCOUNT_ID,
    object: 'account',
    business_type: null,
    capabilities: { card_payments: 'active', transfers: 'active' },
    charges_enabled: true,
    country: 'US',
    default_currency: 'usd',
    details_submitted: true,
    email: 'billing@rsolv.example',
    metadata: {},
    payouts_enabled: true,
    settings: {
      branding: { icon: null, logo: null, primary_color: null, secondary_color: null },
      card_payments: {
        statement_descriptor_prefix: null,
        statement_descriptor_prefix_kana: null,
        statement_descriptor_prefix_kanji: null,
      },
      dashboard: { display_name: 'RSOLV', timezone: 'Etc/UTC' },
      payments: {
        statement_descriptor: null,
        statement_descriptor_kana: null,
        statement_descriptor_kanji: null,
        statement_descriptor_prefix_kana: null,
        statement_descriptor_prefix_kanji: null,
      },
    },
    type: 'standard',
  };
}

import { describe, expect, it } from 'vitest';
import { addressHash } from '../../lib/domain/access/tokens.ts';
import type { CustomerHead } from '../../lib/domain/customer.ts';
import type { NoticeContent } from '../../lib/domain/notice.ts';
import { accountClosed } from '../../lib/domain/notices/account-notices.ts';
import {
  addressChanged,
  addressToConfirm,
  closingAsked,
  recipientOf,
} from '../../lib/domain/notices/address-notices.ts';
import { headWith } from '../support/heads.ts';

const createdAt = '2026-01-02T00:00:00.000Z';
const AT = new Date(createdAt);
const head = headWith({ balance: 9, revision: 3 });

describe('notices about the address and the account', () => {
  it('each request to confirm an address has a notice with its own id and only a hash of the address', () => {
    expect(addressToConfirm(head, 'New@X.io', 'r1', AT)).toEqual({
      customerId: 'c1',
      id: 'r1',
      createdAt,
      content: { kind: 'confirm_address', addressHash: addressHash('new@x.io') },
    });
  });

  it('a changed address has a notice to the earlier one, with one id for each revision', () => {
    expect(addressChanged(head, 'old@x.io', AT)).toEqual({
      customerId: 'c1',
      id: '3',
      createdAt,
      content: { kind: 'address_changed', to: 'old@x.io' },
    });
  });

  it.each([true, false])('a request to close states the credits that are lost; with Pro: %s', (hasPro) => {
    expect(closingAsked(head, hasPro, AT)).toEqual({
      customerId: 'c1',
      id: '3',
      createdAt,
      content: { kind: 'closing_asked', credits: 9, hasPro },
    });
  });

  it('a closed account has a single notice, which states the credits that were lost', () => {
    expect(accountClosed(head, AT)).toEqual({
      customerId: 'c1',
      id: 'closed',
      createdAt,
      content: { kind: 'account_closed', credits: 9 },
    });
  });
});

describe('the recipient of a notice', () => {
  const confirm: NoticeContent = { kind: 'confirm_address', addressHash: addressHash('new@x.io') };

  it.each<[string, string | null, NoticeContent, Partial<CustomerHead>]>([
    ['a request to confirm the new address', 'new@x.io', confirm, { newEmail: 'new@x.io' }],
    ['a request to confirm it, in other case', 'NEW@x.io', confirm, { newEmail: 'NEW@x.io' }],
    ['a request that a later one replaced', null, confirm, { newEmail: 'other@x.io' }],
    ['a request that was withdrawn', null, confirm, { newEmail: null }],
    ['a changed address', 'old@x.io', { kind: 'address_changed', to: 'old@x.io' }, { newEmail: 'new@x.io' }],
    ['a changed address that is no longer stored', null, { kind: 'address_changed', to: null }, {}],
    ['a removed card', 'a@x.io', { kind: 'card_removed' }, { newEmail: 'new@x.io' }],
  ])('the recipient of the notice of %s is %s', (_, recipient, content, facts) => {
    expect(recipientOf(content, headWith(facts))).toBe(recipient);
  });
});

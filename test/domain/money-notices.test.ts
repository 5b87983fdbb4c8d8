import { describe, expect, it } from 'vitest';
import type { Notice } from '../../lib/domain/notice.ts';
import { keyRevoked } from '../../lib/domain/notices/key-notices.ts';
import { DISPUTE_OUTCOMES } from '../../lib/domain/notices/money-content.ts';
import {
  chargePaid,
  chargeRefunded,
  disputeClosed,
  doublePaymentReturned,
} from '../../lib/domain/notices/money-notices.ts';
import { fixOf } from '../support/heads.ts';

const createdAt = '2026-01-02T00:00:00.000Z';
const AT = new Date(createdAt);
const payment = { paymentIntentId: 'pi_1', amountCents: 2_900 };
const pullRequest = { repo: 'acme/webshop', prNumber: 1 };

describe('notices about money and keys', () => {
  it.each<[string, Notice, Omit<Notice, 'customerId' | 'createdAt'>]>([
    [
      'a paid charge',
      chargePaid('c1', fixOf(), payment, AT),
      { id: 'pi_1', content: { kind: 'receipt', amountCents: 2_900, ...pullRequest } },
    ],
    [
      'a second payment that was returned',
      doublePaymentReturned('c1', payment, AT),
      {
        id: 'pi_1',
        content: { kind: 'refund_made', amountCents: 2_900, isDouble: true, pullRequest: null },
      },
    ],
    [
      'a refund after an earlier one, with the total in its id',
      chargeRefunded('c1', fixOf(), { ...payment, amountCents: 1_000, returnedCents: 1_500 }, AT),
      {
        id: 'pi_1-1500',
        content: { kind: 'refund_made', amountCents: 1_000, isDouble: false, pullRequest },
      },
    ],
    [
      'a revoked key',
      keyRevoked('c1', { keyId: 'k1', scope: 'fixes', by: 'operator' }, AT),
      { id: 'k1', content: { kind: 'key_revoked', keyId: 'k1', scope: 'fixes', by: 'operator' } },
    ],
  ])('the notice of %s has the id and the facts of its cause', (_, notice, expected) => {
    expect(notice).toEqual({ customerId: 'c1', createdAt, ...expected });
  });

  it.each(DISPUTE_OUTCOMES)('the notice of a dispute that ended has its id and outcome: %s', (outcome) => {
    expect(disputeClosed('c1', { id: 'du_1', amountCents: 2_900 }, outcome, AT)).toEqual({
      customerId: 'c1',
      id: 'du_1',
      createdAt,
      content: { kind: 'dispute_closed', disputeId: 'du_1', amountCents: 2_900, outcome },
    });
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { NO_TRIES } from '../../../lib/domain/payments/card-tries.ts';
import { removeCard } from '../../../lib/operations/cards/remove-card.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keepCardTries, readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import { customerWith } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { setHead } from '../../support/set-head.ts';

/* When the card on file is removed, and when it stays. Pro is in the tests of the pages. */

let money: Money;
let deps: PaymentDeps;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  money = opened.money;
  deps = money.deps;
  return opened.stop;
});

async function withPayment(customerId: string, id: string | null): Promise<void> {
  const { cardKey } = await headOf(deps, customerId);
  const read = await readCardTries(deps.table, customerId);
  const underWay = id === null ? [] : [{ id, startedAt: deps.now().toISOString() }];
  await writeTogether(deps.table, [
    keepCardTries(customerId, read, { [cardKey ?? '']: { ...NO_TRIES, underWay } }),
  ]);
}

describe('removing the card', () => {
  it('the card is detached at Stripe and cleared here, and a repeat finds none', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0, await money.newCard());
    expect(await removeCard(deps, customerId)).toBe('removed');
    expect(await headOf(deps, customerId)).toMatchObject({ paymentMethodId: null, cardKey: null });
    expect((await money.stripe.customers.listPaymentMethods(stripeCustomerId)).data).toEqual([]);
    expect(await removeCard(deps, customerId)).toBe('none');
  });

  it('the card stays while a payment with it has no outcome yet', async () => {
    const { customerId } = await customerWithCard(money, 0, await money.newCard());
    await withPayment(customerId, 'fix_1:1');
    expect(await removeCard(deps, customerId)).toBe('busy');
    expect((await headOf(deps, customerId)).paymentMethodId).not.toBeNull();
    await withPayment(customerId, null);
    expect(await removeCard(deps, customerId)).toBe('removed');
  });

  it('a card that has no record of tries, or is not counted, can be removed', async () => {
    const { customerId } = await customerWithCard(money, 0, await money.newCard());
    await withPayment(customerId, 'fix_1:1');
    await setHead(deps.table, customerId, 'card_key', null);
    expect(await removeCard(deps, customerId)).toBe('removed');
  });

  it('a customer without a Stripe customer has no card, and Stripe is not asked', async () => {
    const { head } = await customerWith(deps, 5);
    const silent = { ...deps, stripe: () => Promise.reject(new Error('asked Stripe')) };
    expect(await removeCard(silent, head.customerId)).toBe('none');
    await expect(removeCard(silent, '0'.repeat(32))).rejects.toMatchObject({ code: 'customer_not_found' });
  });
});

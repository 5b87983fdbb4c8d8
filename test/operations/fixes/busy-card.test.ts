import { beforeAll, describe, expect, it } from 'vitest';
import { cardKeyOf, NO_TRIES } from '../../../lib/domain/payments/card-tries.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { keepCardTries, readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import type { StripeFaultFacts } from '../../../lib/stripe/fault.ts';
import { recordedFix } from '../../support/customers.ts';
import { range } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { noticesOf } from '../../support/notices.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

/* A payment whose card is busy with other tries, or is no longer on file. */

let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  money = opened.money;
  return opened.stop;
});

/** A customer without credits whose card has 15 tries without an outcome, and a function that ends them. */
async function busy() {
  const { deps } = money;
  const { customerId, stripeCustomerId } = await customerWithCard(money, 0, await money.newCard());
  const card = await (await deps.stripe()).readDefaultCard(stripeCustomerId);
  if (card === null) throw new Error('no card');
  const startedAt = deps.now().toISOString();
  const underWay = range(1, 15).map((n) => ({ id: `t${n}`, startedAt }));
  const keep = async (tries: typeof NO_TRIES) => {
    const read = await readCardTries(deps.table, customerId);
    await writeTogether(deps.table, [keepCardTries(customerId, read, { [cardKeyOf(card)]: tries })]);
  };
  await keep({ ...NO_TRIES, underWay });
  return { customerId, fixId: await recordedFix(deps, customerId, 1), free: () => keep(NO_TRIES) };
}

describe('a charge whose card is busy', () => {
  it('a charge waits until another try of its card has ended, and is made then', async () => {
    const { customerId, fixId, free } = await busy();
    let waits = 0;
    const sleep = async () => {
      waits += 1;
      if (waits === 20) await free();
    };
    expect(await billFixAttempt({ ...money.deps, sleep }, customerId, fixId)).toMatchObject({
      kind: 'billed',
      already: false,
    });
    expect(waits).toBe(20);
  });

  it('a charge is given up after 60 waits for its card, and can be sent again', async () => {
    const { customerId, fixId } = await busy();
    let waits = 0;
    const sleep = async () => {
      waits += 1;
    };
    const billing = billFixAttempt({ ...money.deps, sleep }, customerId, fixId);
    await expect(billing).rejects.toMatchObject({ code: 'ledger_busy' });
    expect(waits).toBe(60);
  });
});

describe('an order whose card is busy', () => {
  it('an order whose card is busy is refused and can be sent again, and is made once a try has ended', async () => {
    const { customerId, free } = await busy();
    const order = () => subscribeToPro(money.deps, customerId, null);
    await expect(order()).rejects.toMatchObject({ code: 'ledger_busy' });
    expect((await headOf(money.deps, customerId)).subscription).toBeNull();
    await free();
    expect(await order()).toMatchObject({ created: true, head: { balance: 60 } });
  });
});

describe('a charge that Stripe refuses for a card that is gone', () => {
  it('a charge refused for a card that is gone syncs the account, so that the next fix is blocked without a call', async () => {
    const { customerId } = await customerWithCard(money, 0, await money.newCard());
    const [first, second] = [
      await recordedFix(money.deps, customerId, 1),
      await recordedFix(money.deps, customerId, 2),
    ];
    const { paymentMethodId } = await headOf(money.deps, customerId);
    const deps = await answering(money.deps, () => ({
      chargeFix: async () => {
        await money.stripe.paymentMethods.detach(paymentMethodId ?? '');
        return failing('refused')();
      },
    }));
    expect(await billFixAttempt(deps, customerId, first)).toMatchObject({
      kind: 'declined',
      decline: { code: 'payment_method_unusable', declineCode: null },
    });
    expect((await headOf(money.deps, customerId)).paymentMethodId).toBeNull();
    expect(await billFixAttempt(money.deps, customerId, second)).toMatchObject({
      kind: 'blocked',
      code: 'no_billing_info',
    });
  });
});

describe('a charge for which Stripe makes no payment', () => {
  const chargedWith = async (
    kind: 'declined' | 'misconfigured',
    facts: StripeFaultFacts = { code: 'expired_card' },
  ) => {
    const { customerId } = await customerWithCard(money, 0, await money.newCard());
    const fixId = await recordedFix(money.deps, customerId, 1);
    const deps = await answering(money.deps, () => ({ chargeFix: failing(kind, facts) }));
    const billing = await billFixAttempt(deps, customerId, fixId).catch((error: unknown) => error);
    const { cards } = await readCardTries(money.deps.table, customerId);
    const letters = (await noticesOf(money.deps, customerId)).map(({ content }) => content.kind);
    return { billing, tries: Object.values(cards), letters };
  };

  it('a charge declined without a payment counts against its card, with a letter', async () => {
    const { billing, tries, letters } = await chargedWith('declined');
    expect(billing).toMatchObject({ kind: 'declined', decline: { code: 'expired_card' } });
    expect(tries).toMatchObject([{ declines: [expect.any(String)], underWay: [], lastCode: 'expired_card' }]);
    expect(letters).toContain('card_declined');
  });

  it('a charge with a hard decline rules its card out', async () => {
    const { billing, tries } = await chargedWith('declined', {
      code: 'card_declined',
      declineCode: 'stolen_card',
    });
    expect(billing).toMatchObject({ kind: 'declined', decline: { code: 'stolen_card' } });
    expect(tries).toMatchObject([{ lastCode: 'stolen_card', isHard: true }]);
  });

  it('a charge refused for a defect of ours does not count against its card, and sends no letter', async () => {
    const { billing, tries, letters } = await chargedWith('misconfigured');
    expect(billing).toMatchObject({ code: 'payments_misconfigured' });
    expect(tries).toMatchObject([{ declines: [], underWay: [] }]);
    expect(letters).not.toContain('card_declined');
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { applyEvent } from '../../../lib/operations/events/apply-event.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { orderOf } from '../../../lib/operations/plans/settle-order.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import { readLedgerRecords } from '../../../lib/store/audit/audit.ts';
import { decodeFix } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether, type Table } from '../../../lib/store/table.ts';
import { recordedFix } from '../../support/customers.ts';
import { range } from '../../support/fixtures.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money, openMoney } from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { answering } from '../../support/stripe-answers.ts';
import { openTestTable } from '../../support/table.ts';

/*
 * Returned money: how many credits are taken back, what is owed afterwards, and that the ledger explains
 * every cent.
 */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const PRO_CENTS = 59_900;
const PRO_CREDITS = 60;
/** Thirds of $599.00. The last one is a cent less. */
const THIRDS_CENTS = [19_967, 19_967, 19_966];
const DAYS_TO_RENEWAL = 32;

let ticks = 0;
/** A clock that never repeats a time, so equal times mean the same transaction. */
const TICKING = {
  now: () => {
    ticks += 1;
    return new Date(Date.now() + ticks);
  },
};

interface World {
  readonly money: Money;
  readonly customerId: string;
}

/** A Pro customer: the first month is paid and granted, and `spent` of its credits are spent. */
async function onPro({
  spent = 0,
  card = 'pm_card_visa',
}: {
  spent?: number;
  card?: string;
} = {}): Promise<World> {
  const money = await openMoney(table, { overrides: TICKING });
  const { customerId } = await customerWithCard(money, 0, card);
  const { head } = await subscribeToPro(money.deps, customerId, orderOf(undefined));
  expect(head.balance).toBe(PRO_CREDITS);
  await money.deliver();
  await deployFixes({ money, customerId }, spent);
  return { money, customerId };
}

let deployed = 0;
async function deployFixes({ money, customerId }: World, count: number): Promise<void> {
  for (const _ of range(1, count)) {
    deployed += 1;
    const fixId = await recordedFix(money.deps, customerId, deployed);
    expect(await billFixAttempt(money.deps, customerId, fixId)).toMatchObject({ kind: 'billed' });
  }
}

/** Bills the next fix. Returns its outcome, or what blocks it. */
async function nextFix({ money, customerId }: World) {
  deployed += 1;
  const fixId = await recordedFix(money.deps, customerId, deployed);
  const billing = await billFixAttempt(money.deps, customerId, fixId);
  switch (billing.kind) {
    case 'billed':
      return billing.billed.outcome;
    case 'blocked':
      return billing.code;
    default:
      return billing.kind;
  }
}

const newestCharge = ({ double }: Money): string => double.state.charges.newestFirst[0]?.id ?? 'no charge';
const chargeOf = ({ double }: Money, paymentIntentId: string): string =>
  double.state.charges.newestFirst.find((charge) => charge.payment_intent === paymentIntentId)?.id ??
  'no charge';

const refund = ({ money }: World, amount?: number, charge = newestCharge(money)) =>
  money.stripe.refunds.create({ charge, ...(amount !== undefined && { amount }) });

async function dispute({ money }: World, input: object = {}): Promise<string> {
  return String((await money.control(`charges/${newestCharge(money)}/dispute`, input))['id']);
}

const closeDispute = ({ money }: World, id: string, status: 'won' | 'lost' | 'warning_closed') =>
  money.control(`disputes/${id}/close`, { status });

/** Delivers all events, old and new. Returns the customer's state. */
async function settled({ money, customerId }: World) {
  await money.deliver();
  const { entries } = await expectSoundMoney(money, customerId);
  expectEveryCentExplained(entries);
  const { balance, debt, openDisputes } = await headOf(money.deps, customerId);
  return { balance, debt, disputes: openDisputes.length };
}

type Entries = Awaited<ReturnType<typeof expectSoundMoney>>['entries'];

const reversals = (entries: Entries) => entries.filter(({ source }) => source === 'refund_reversal');

/** Each entry must continue from the previous one: the cents, the credits they are worth, and the debt. */
function expectEveryCentExplained(entries: Entries): void {
  const before = new Map<unknown, { cents: number; credits: number }>();
  let debt = 0;
  for (const { amount, balanceAfter, metadata } of reversals(entries)) {
    const debtChange = Number(metadata['debt_change']);
    debt += debtChange;
    expect(metadata['debt_after']).toBe(debt);
    expect(debt).toBeGreaterThanOrEqual(0);
    // A customer with credits has no debt.
    expect(Math.min(debt, balanceAfter)).toBe(0);
    if (metadata['reason'] === 'debt_netted') {
      expect(amount).toBe(debtChange);
      continue;
    }
    const invoice = metadata['invoice_id'];
    const { cents, credits } = before.get(invoice) ?? { cents: 0, credits: 0 };
    const returned = Number(metadata['cents_returned']);
    const worth = Math.floor((PRO_CREDITS * returned) / PRO_CENTS);
    expect(metadata).toMatchObject({
      reason: returned > cents ? 'money_returned' : 'money_kept',
      cents_before: cents,
      total_cents: PRO_CENTS,
      credits_reversed: worth,
    });
    expect(amount - debtChange).toBe(credits - worth);
    before.set(invoice, { cents: returned, credits: worth });
  }
}

describe('a Pro invoice that is refunded', () => {
  it('a full refund of a Pro invoice takes all of its credits back', async () => {
    const world = await onPro();
    await refund(world);
    expect(await settled(world)).toEqual({ balance: 0, debt: 0, disputes: 0 });
  });

  it('a letter is sent each time that credits are taken back: how many, how many are owed, and why', async () => {
    const world = await onPro({ spent: 50 });
    const told = () => noticeContentsOf(world.money.deps, world.customerId, 'credits_removed');
    await refund(world, PRO_CENTS / 2);
    await settled(world);
    const half = { returnedCents: 29_950, reasons: ['refund'], removed: 10, owed: 20, left: 0 };
    expect(await told()).toMatchObject([half]);
    await settled(world);
    expect(await told()).toHaveLength(1);
    await refund(world, PRO_CENTS / 2);
    await settled(world);
    expect(await told()).toMatchObject([half, { returnedCents: PRO_CENTS, removed: 0, owed: 50 }]);
  });

  it('a refund in three parts takes 19 or 20 credits each time, rounded down in total, and 60 in the end', async () => {
    const world = await onPro();
    const balances = [];
    for (const cents of THIRDS_CENTS) {
      await refund(world, cents);
      balances.push((await settled(world)).balance);
    }
    expect(balances).toEqual([40, 20, 0]);
    const { entries } = await expectSoundMoney(world.money, world.customerId);
    expect(reversals(entries).map(({ metadata }) => metadata['cents_returned'])).toEqual([
      19_967, 39_934, 59_900,
    ]);
  });

  it('a refund in three parts in the other order leaves the customer the fraction until the last', async () => {
    const world = await onPro();
    const balances = [];
    for (const cents of THIRDS_CENTS.toReversed()) {
      await refund(world, cents);
      balances.push((await settled(world)).balance);
    }
    expect(balances).toEqual([41, 21, 0]);
  });

  it.each([
    [1, 60],
    [998, 60],
    [999, 59],
    [59_899, 1],
    [59_900, 0],
  ])('a refund of %i cents leaves %i credits', async (cents, balance) => {
    const world = await onPro();
    await refund(world, cents);
    expect(await settled(world)).toMatchObject({ balance, debt: 0 });
  });

  it('a refunded cent that is worth no credit has an entry of 0 that names it', async () => {
    const world = await onPro();
    await refund(world, 1);
    await settled(world);
    const { entries } = await expectSoundMoney(world.money, world.customerId);
    expect(reversals(entries)).toMatchObject([
      { amount: 0, metadata: { cents_returned: 1, debt_change: 0 } },
    ]);
  });

  it('a refund after the credits were spent leaves a debt, and the next month pays it in the same transaction', async () => {
    const world = await onPro({ spent: 50 });
    await refund(world);
    expect(await settled(world)).toEqual({ balance: 0, debt: 50, disputes: 0 });

    await world.money.days(DAYS_TO_RENEWAL);
    expect(await settled(world)).toEqual({ balance: 10, debt: 0, disputes: 0 });
    const { entries } = await expectSoundMoney(world.money, world.customerId);
    const [granted, netted] = entries.slice(-2);
    expect(granted).toMatchObject({ source: 'pro_subscription_payment', amount: 60 });
    expect(netted).toMatchObject({
      source: 'refund_reversal',
      amount: -50,
      metadata: { reason: 'debt_netted', debt_change: -50, debt_after: 0 },
      createdAt: granted?.createdAt,
    });
  });

  it('several refunds after the credits were spent are all owed, and each month pays what it can', async () => {
    const world = await onPro({ spent: PRO_CREDITS });
    await refund(world);
    await settled(world);
    await world.money.days(DAYS_TO_RENEWAL);
    expect(await settled(world)).toMatchObject({ balance: 0, debt: 0 });
    await deployFixes(world, 1);
    await refund(world, undefined, renewalCharge(world));
    expect(await settled(world)).toMatchObject({ balance: 0, debt: 60 });
    await world.money.days(DAYS_TO_RENEWAL);
    expect(await settled(world)).toMatchObject({ balance: 0, debt: 0 });
  });

  it("a refund before its payment's event ends like a refund after it", async () => {
    const money = await openMoney(table);
    const { customerId, stripeCustomerId } = await customerWithCard(money, 2);
    const world = { money, customerId };
    await money.stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: money.priceId }],
      off_session: true,
      payment_behavior: 'error_if_incomplete',
    });
    await refund(world, 29_950);
    const early = money.events().filter(({ type }) => type === 'charge.refunded');
    await money.deliver(early);
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 32, debt: 0 });
    expect(await settled(world)).toEqual({ balance: 32, debt: 0, disputes: 0 });
    const { entries } = await expectSoundMoney(money, customerId);
    expect(entries.slice(-2).map(({ source, amount }) => [source, amount])).toEqual([
      ['pro_subscription_payment', 60],
      ['refund_reversal', -30],
    ]);
  });

  it('a refund that the bank rejects restores the credits', async () => {
    const world = await onPro({ card: 'pm_card_refundFail', spent: 10 });
    await refund(world);
    expect(await settled(world)).toMatchObject({ balance: 0, debt: 10 });
    await world.money.control('clock', { seconds: 90 });
    expect(await settled(world)).toMatchObject({ balance: 50, debt: 0 });
  });

  it('a slow refund takes its credits at once, and once', async () => {
    const world = await onPro({ card: 'pm_card_pendingRefund' });
    await refund(world, 29_950);
    expect(await settled(world)).toMatchObject({ balance: 30 });
    await world.money.control('clock', { seconds: 90 });
    expect(await settled(world)).toMatchObject({ balance: 30 });
  });
});

/** The charge of the newest Pro invoice. The card also pays for fixes. */
function renewalCharge({ money: { double } }: World): string {
  return double.state.charges.newestFirst.find(({ amount }) => amount === PRO_CENTS)?.id ?? 'no charge';
}

describe('a dispute of a Pro invoice', () => {
  it('a dispute of a Pro invoice takes the credits at once and blocks charges, but not the credits that are left', async () => {
    const world = await onPro();
    // Credits of another month, so that some are left.
    await world.money.days(DAYS_TO_RENEWAL);
    await world.money.deliver();
    await deployFixes(world, 58);
    await dispute(world);
    expect(await settled(world)).toEqual({ balance: 2, debt: 0, disputes: 1 });
    expect([await nextFix(world), await nextFix(world)]).toEqual(['credit_consumed', 'credit_consumed']);
    expect(await nextFix(world)).toBe('account_disputed');
    const charges = world.money.double.state.charges.size;
    expect(await nextFix(world)).toBe('account_disputed');
    expect(world.money.double.state.charges.size).toBe(charges);
  });

  it('a won dispute restores the credits, pays what is owed first, and allows charges again', async () => {
    const world = await onPro({ spent: 45 });
    const id = await dispute(world);
    expect(await settled(world)).toEqual({ balance: 0, debt: 45, disputes: 1 });
    await closeDispute(world, id, 'won');
    expect(await settled(world)).toEqual({ balance: 15, debt: 0, disputes: 0 });
    await deployFixes(world, 15);
    expect(await nextFix(world)).toBe('charged_and_consumed');
    await settled(world);
  });

  it('a lost dispute keeps the credits taken, and allows charges again', async () => {
    const world = await onPro({ spent: 45 });
    const id = await dispute(world);
    await settled(world);
    await closeDispute(world, id, 'lost');
    expect(await settled(world)).toEqual({ balance: 0, debt: 45, disputes: 0 });
    expect(await nextFix(world)).toBe('charged_and_consumed');
    // Debt is in credits, so a fix that is paid with money is still deployed.
    expect(await settled(world)).toEqual({ balance: 0, debt: 45, disputes: 0 });
  });

  it('an inquiry takes nothing, and blocks charges until it is closed', async () => {
    const world = await onPro({ spent: PRO_CREDITS });
    const id = await dispute(world, { inquiry: true });
    expect(await settled(world)).toEqual({ balance: 0, debt: 0, disputes: 1 });
    expect(await nextFix(world)).toBe('account_disputed');
    await closeDispute(world, id, 'warning_closed');
    expect(await settled(world)).toEqual({ balance: 0, debt: 0, disputes: 0 });
    expect(await nextFix(world)).toBe('charged_and_consumed');
  });

  it('a dispute after a partial refund takes the rest, and no cent twice', async () => {
    const world = await onPro();
    await refund(world, THIRDS_CENTS[0]);
    const id = await dispute(world);
    expect(await settled(world)).toEqual({ balance: 0, debt: 0, disputes: 1 });
    await closeDispute(world, id, 'won');
    expect(await settled(world)).toEqual({ balance: 40, debt: 0, disputes: 0 });
  });

  it('two disputes of different months block charges until both are closed', async () => {
    const world = await onPro({ spent: PRO_CREDITS });
    const first = await dispute(world);
    await world.money.days(DAYS_TO_RENEWAL);
    const second = await dispute(world);
    expect(await settled(world)).toEqual({ balance: 0, debt: 60, disputes: 2 });
    await closeDispute(world, first, 'lost');
    expect(await settled(world)).toEqual({ balance: 0, debt: 60, disputes: 1 });
    expect(await nextFix(world)).toBe('account_disputed');
    await closeDispute(world, second, 'won');
    expect(await settled(world)).toEqual({ balance: 0, debt: 0, disputes: 0 });
    expect(await nextFix(world)).toBe('charged_and_consumed');
  });

  it('a dispute takes its credits and blocks charges, however many other disputes the customer has', async () => {
    const world = await onPro();
    const id = await dispute(world);
    const others = range(1, 150).map((n) => ({
      id: `du_${n}`,
      open: true,
      amountCents: 2_900,
      outcome: null,
    }));
    const deps = await answering(world.money.deps, (port) => ({
      readReturnedMoney: async (charge) => {
        const money = await port.readReturnedMoney(charge);
        return { ...money, disputes: [...money.disputes, ...others] };
      },
    }));
    const told = world.money.events().findLast(({ type }) => type === 'charge.dispute.created');
    if (told === undefined) throw new Error('no event');
    expect(await applyEvent(deps, told)).toMatchObject({ outcome: 'processed' });
    const { balance, openDisputes } = await headOf(deps, world.customerId);
    expect([balance, openDisputes.length, openDisputes.includes(id)]).toEqual([0, 10, true]);
    expect(await noticeContentsOf(deps, world.customerId, 'dispute')).toHaveLength(10);
  });
});

describe('a charge for a fix', () => {
  async function chargedFix(card = 'pm_card_visa') {
    const money = await openMoney(table);
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0, card);
    deployed += 1;
    const fixId = await recordedFix(money.deps, customerId, deployed);
    const billing = await billFixAttempt(money.deps, customerId, fixId);
    if (billing.kind !== 'billed') throw new Error(`it was ${billing.kind}`);
    const paymentIntentId = String(billing.billed.paymentIntentId);
    const fix = async () => {
      const [item] = await readTogether(table, [keys.fix(customerId, fixId)]);
      return item === undefined ? undefined : decodeFix(item);
    };
    return { money, customerId, stripeCustomerId, fixId, paymentIntentId, fix };
  }

  it('a charge for a fix that is refunded, in part and then in full, shows on the fix; the credits stay', async () => {
    const world = await chargedFix();
    const { entries } = await expectSoundMoney(world.money, world.customerId);
    for (const [amount, refundedCents] of [
      [900, 900],
      [2_000, 2_900],
    ] as const) {
      await refund(world, amount);
      expect(await settled(world)).toEqual({ balance: 0, debt: 0, disputes: 0 });
      expect(await world.fix()).toMatchObject({ refundedCents, billed: { amountCents: 2_900 } });
    }
    expect((await expectSoundMoney(world.money, world.customerId)).entries).toEqual(entries);
  });

  it("a charge refunded before its payment's event is counted first, then counted back", async () => {
    const money = await openMoney(table);
    const { customerId } = await customerWithCard(money, 0);
    deployed += 1;
    const fixId = await recordedFix(money.deps, customerId, deployed);
    money.double.faults.add({ path: '/v1/payment_intents', kind: 'drop_after', times: 9 });
    await expect(billFixAttempt(money.deps, customerId, fixId)).rejects.toMatchObject({
      code: 'payment_pending',
    });
    money.double.faults.clear();
    await refund({ money, customerId });
    await money.deliver(money.events().filter(({ type }) => type === 'charge.refunded'));
    const [item] = await readTogether(table, [keys.fix(customerId, fixId)]);
    expect(item && decodeFix(item)).toMatchObject({
      billed: { amountCents: 2_900 },
      refundedCents: 2_900,
      charge: { state: 'closed' },
    });
    expect(await settled({ money, customerId })).toEqual({ balance: 0, debt: 0, disputes: 0 });
  });

  it('a charge whose refund fails is not refunded', async () => {
    const world = await chargedFix('pm_card_refundFail');
    await refund(world);
    await settled(world);
    expect(await world.fix()).toMatchObject({ refundedCents: 2_900 });
    await world.money.control('clock', { seconds: 90 });
    await settled(world);
    expect(await world.fix()).toMatchObject({ refundedCents: 0 });
  });

  it('a disputed charge counts as refunded, blocks further charges, and counts as paid again when the dispute is won', async () => {
    const world = await chargedFix();
    const id = await dispute(world);
    expect(await settled(world)).toEqual({ balance: 0, debt: 0, disputes: 1 });
    expect(await world.fix()).toMatchObject({ refundedCents: 2_900 });
    expect(await nextFix(world)).toBe('account_disputed');
    await closeDispute(world, id, 'won');
    expect(await settled(world)).toEqual({ balance: 0, debt: 0, disputes: 0 });
    expect(await world.fix()).toMatchObject({ refundedCents: 0 });
    expect(await nextFix(world)).toBe('charged_and_consumed');
  });

  it('a charge refunded in part and disputed in full counts no cent twice', async () => {
    const world = await chargedFix();
    await refund(world, 900);
    await dispute(world);
    await settled(world);
    expect(await world.fix()).toMatchObject({ refundedCents: 2_900 });
  });

  it('a second payment is returned, and its refund changes neither the ledger nor the fix', async () => {
    const world = await chargedFix();
    const { money, customerId, stripeCustomerId, fixId } = world;
    const { data: methods } = await money.stripe.customers.listPaymentMethods(stripeCustomerId);
    const second = await money.stripe.paymentIntents.create({
      amount: 2_900,
      currency: 'usd',
      customer: stripeCustomerId,
      payment_method: methods[0]?.id ?? '',
      off_session: true,
      confirm: true,
      allowed_payment_method_types: ['card'],
      metadata: { purpose: 'fix', customer_id: customerId, fix_attempt_id: fixId, attempt: '1' },
    });
    const before = await world.fix();
    const { entries } = await auditedEntries(world);
    expect(await settled(world)).toEqual({ balance: 0, debt: 0, disputes: 0 });
    // Delivers all events again, now including the refund. The sweeper finds nothing to do.
    expect(await settled(world)).toEqual({ balance: 0, debt: 0, disputes: 0 });
    expect(await settlePendingCharges(money.deps, 0)).toMatchObject({ failed: [] });
    const charge = money.double.state.charges.find(chargeOf(money, second.id));
    expect(charge).toMatchObject({ refunded: true, amount_refunded: 2_900 });
    expect(money.double.state.refunds.size).toBe(1);
    expect(await world.fix()).toEqual(before);
    expect((await auditedEntries(world)).entries).toEqual(entries);
  });
});

/** Stripe and the ledger differ by the second payment until it is announced. */
async function auditedEntries({ money, customerId }: World) {
  const records = await readLedgerRecords(money.deps.table, customerId);
  if (records === null) throw new Error('no customer');
  return records;
}

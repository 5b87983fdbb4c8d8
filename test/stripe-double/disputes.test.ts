import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { type Bench, bench, customerWith, offSession, refused } from './support.ts';

/** A disputed charge of $29. */
async function disputed(input: object = {}, switches: Record<string, string> = {}) {
  const made = await bench();
  await made.control('switches', switches);
  const who = await customerWith(made.stripe);
  const intent = await made.stripe.paymentIntents.create(offSession(who));
  const charge = String(intent.latest_charge);
  const { id } = await made.control(`charges/${charge}/dispute`, input);
  const dispute = String(id);
  return { ...made, charge, intent: intent.id, dispute, now: () => made.stripe.disputes.retrieve(dispute) };
}

const typesAfter = async ({ eventTypes }: Bench, work: () => Promise<unknown>): Promise<string[]> => {
  const before = (await eventTypes()).length;
  await work();
  return (await eventTypes()).slice(before);
};

const netOf = ({ balance_transactions: movements }: Stripe.Dispute): number =>
  movements.reduce((sum, { net }) => sum + net, 0);

describe('an inquiry', () => {
  it('an inquiry moves no money and leaves the charge refundable', async () => {
    const { stripe, now, charge, eventTypes } = await disputed({ inquiry: true });
    const dispute = await now();
    expect(dispute).toMatchObject({ status: 'warning_needs_response', is_charge_refundable: true });
    expect(dispute.balance_transactions).toEqual([]);
    expect(dispute.payment_method_details?.card?.case_type).toBe('inquiry');
    expect(await eventTypes()).not.toContain('charge.dispute.funds_withdrawn');
    expect((await stripe.refunds.create({ charge })).status).toBe('succeeded');
  });

  it('a full refund settles an inquiry within a day', async () => {
    const { stripe, now, charge, days } = await disputed({ inquiry: true });
    await stripe.refunds.create({ charge });
    await days(1);
    expect((await now()).status).toBe('warning_closed');
  });

  it('an inquiry ends as warning_closed after 120 days without action', async () => {
    const { now, days, eventTypes } = await disputed({ inquiry: true });
    await days(119);
    expect((await now()).status).toBe('warning_needs_response');
    await days(1);
    expect((await now()).status).toBe('warning_closed');
    expect(await eventTypes()).toContain('charge.dispute.closed');
  });

  it('an inquiry under review has the status warning_under_review', async () => {
    const { stripe, dispute } = await disputed({ inquiry: true });
    const evidence = { uncategorized_text: 'They used it for a year.' };
    expect((await stripe.disputes.update(dispute, { evidence })).status).toBe('warning_under_review');
  });

  it.each([
    ['both', ['charge.dispute.updated', 'charge.dispute.funds_withdrawn']],
    ['updated', ['charge.dispute.updated']],
    ['funds_withdrawn', ['charge.dispute.funds_withdrawn']],
  ])(
    'with the switch on %s, an inquiry escalates under the same id and sends %s',
    async (value, expected) => {
      const made = await disputed({ inquiry: true }, { inquiry_escalation_events: value });
      const sentTypes = await typesAfter(made, () => made.control(`disputes/${made.dispute}/escalate`));
      expect(sentTypes).toEqual(expected);
      const dispute = await made.now();
      expect(dispute).toMatchObject({ status: 'needs_response', is_charge_refundable: false });
      expect(dispute.payment_method_details?.card?.case_type).toBe('chargeback');
      expect(dispute.balance_transactions).toMatchObject([{ amount: -2_900, fee: 1_500, net: -4_400 }]);
      expect(await refused(made.stripe.refunds.create({ charge: made.charge }))).toMatchObject({
        code: 'charge_disputed',
      });
    },
  );

  it('an inquiry escalates into a new dispute if the switch is set to that', async () => {
    const made = await disputed({ inquiry: true }, { inquiry_escalation: 'new_dispute' });
    const { id } = await made.control(`disputes/${made.dispute}/escalate`);
    expect(id).not.toBe(made.dispute);
    expect((await made.now()).status).toBe('warning_closed');
    const all = await made.stripe.disputes.list({ charge: made.charge });
    expect(all.data.map(({ status }) => status)).toEqual(['needs_response', 'warning_closed']);
  });
});

describe('a chargeback', () => {
  it('a chargeback withdraws its amount and a fee, and marks the charge as disputed', async () => {
    const { stripe, now, charge } = await disputed();
    expect(netOf(await now())).toBe(-4_400);
    expect((await stripe.charges.retrieve(charge)).disputed).toBe(true);
  });

  it('a chargeback can cover a part of the charge, and a charge can have several chargebacks', async () => {
    const { stripe, control, charge, intent } = await disputed({ amount: 900 });
    await control(`charges/${charge}/dispute`, { amount: 2_000, reason: 'duplicate' });
    const all = await stripe.disputes.list({ payment_intent: intent });
    expect(all.data.map(({ amount, reason }) => [amount, reason])).toEqual([
      [2_000, 'duplicate'],
      [900, 'fraudulent'],
    ]);
    await expect(control(`charges/${charge}/dispute`, { amount: 2_901 })).rejects.toThrow(/between 1 and/);
  });

  it('a chargeback that is won reinstates the funds after it closes', async () => {
    const made = await disputed();
    const sentTypes = await typesAfter(made, () =>
      made.control(`disputes/${made.dispute}/close`, { status: 'won' }),
    );
    expect(sentTypes).toEqual(['charge.dispute.closed', 'charge.dispute.funds_reinstated']);
    const dispute = await made.now();
    expect(dispute.balance_transactions.map(({ reporting_category: kind }) => kind)).toEqual([
      'dispute',
      'dispute_reversal',
    ]);
    expect(netOf(dispute)).toBe(-1_500);
  });

  it.each([
    ['no', false],
    ['yes', true],
  ])('won_charge_refundable: %s', async (value, refundable) => {
    const made = await disputed({}, { won_charge_refundable: value });
    await made.control(`disputes/${made.dispute}/close`, { status: 'won' });
    expect((await made.now()).is_charge_refundable).toBe(refundable);
  });

  it.each([
    ['sent', 'charge.dispute.closed'],
    ['not_sent', 'charge.dispute.updated'],
  ])('a chargeback that is prevented returns the funds; its closed event is %s', async (value, first) => {
    const made = await disputed({}, { prevented_dispute_closed: value });
    const sentTypes = await typesAfter(made, () =>
      made.control(`disputes/${made.dispute}/close`, { status: 'prevented' }),
    );
    expect(sentTypes).toEqual([first, 'charge.dispute.funds_reinstated']);
    expect((await made.now()).status).toBe('prevented');
  });

  it('a lost chargeback can be appealed and then won', async () => {
    const made = await disputed();
    await made.control(`disputes/${made.dispute}/close`, { status: 'lost' });
    await made.control(`disputes/${made.dispute}/appeal`);
    expect((await made.now()).status).toBe('appeal_needs_response');
    const evidence = { appeal: { card: { reason_for_filing: 'The bank overlooked the log.' } } };
    const reviewed = await made.stripe.disputes.update(made.dispute, { evidence });
    expect(reviewed.status).toBe('appeal_under_review');
    expect(reviewed.evidence.appeal?.card?.reason_for_filing).toContain('overlooked');
    await made.control(`disputes/${made.dispute}/close`, { status: 'won' });
    expect(netOf(await made.now())).toBe(-1_500);
  });

  it('a chargeback stays open when evidence is stored with submit=false', async () => {
    const { stripe, dispute } = await disputed();
    const stored = await stripe.disputes.update(dispute, {
      evidence: { access_activity_log: '2027-01-01 login' },
      submit: false,
    });
    expect(stored.status).toBe('needs_response');
    expect(stored.evidence.access_activity_log).toBe('2027-01-01 login');
    expect(stored.evidence_details).toMatchObject({ submission_count: 0, has_evidence: true });
    expect((await stripe.disputes.update(dispute, { evidence: { receipt: 'file_1' } })).status).toBe(
      'under_review',
    );
  });

  it('a control reinstates the funds of an open chargeback', async () => {
    const made = await disputed();
    await made.control(`disputes/${made.dispute}/reinstate_funds`);
    expect(netOf(await made.now())).toBe(-1_500);
    await expect(made.control(`disputes/${made.dispute}/reinstate_funds`)).rejects.toThrow(/no withdrawn/);
  });

  it('disputed_refund_code: a refund is rejected with the chosen code', async () => {
    const { stripe, charge } = await disputed({}, { disputed_refund_code: 'refund_disputed_payment' });
    expect(await refused(stripe.refunds.create({ charge }))).toMatchObject({
      code: 'refund_disputed_payment',
    });
  });

  it('a chargeback fails a pending refund of its charge', async () => {
    const made = await bench();
    const who = await customerWith(made.stripe);
    const intent = await made.stripe.paymentIntents.create(offSession(who));
    await made.control('refunds/mode', { mode: 'pending' });
    const refund = await made.stripe.refunds.create({ payment_intent: intent.id });
    expect(refund.status).toBe('pending');
    await made.control(`charges/${intent.latest_charge}/dispute`);
    expect(await made.stripe.refunds.retrieve(refund.id)).toMatchObject({
      status: 'failed',
      failure_reason: 'charge_for_pending_refund_disputed',
    });
  });
});

describe('an early fraud warning', () => {
  it('an early fraud warning is actionable until the charge is disputed', async () => {
    const { stripe, control, eventTypes } = await bench();
    const who = await customerWith(stripe);
    const { latest_charge: charge } = await stripe.paymentIntents.create(offSession(who));
    const { id } = await control(`charges/${charge}/early_fraud_warning`, {
      fraud_type: 'unauthorized_use_of_card',
    });
    const list = await stripe.radar.earlyFraudWarnings.list({ charge: String(charge) });
    expect(list.data).toMatchObject([{ id, actionable: true, fraud_type: 'unauthorized_use_of_card' }]);
    await control(`charges/${charge}/dispute`);
    expect((await stripe.radar.earlyFraudWarnings.retrieve(String(id))).actionable).toBe(false);
    const types = await eventTypes();
    expect(types).toContain('radar.early_fraud_warning.created');
    expect(types).toContain('radar.early_fraud_warning.updated');
  });
});

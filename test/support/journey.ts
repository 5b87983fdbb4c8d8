import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import { type AppliedEvent, applyEvent } from '../../lib/operations/events/apply-event.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { decodeEvent } from '../../lib/store/events.ts';
import { decodeFix } from '../../lib/store/fix-attempts.ts';
import { decodeInvoiceGuard } from '../../lib/store/guards.ts';
import { decodeHead } from '../../lib/store/heads.ts';
import { itemKind } from '../../lib/store/keys.ts';
import { decodeEntry } from '../../lib/store/ledger.ts';
import type { Item, Table } from '../../lib/store/table.ts';
import { type StripeEvent, subjectOf } from '../../lib/stripe/event.ts';
import { isHandled } from '../../lib/stripe/event-types.ts';
import type { StripePort } from '../../lib/stripe/port.ts';
import { contentsOf, keyOf } from './contents.ts';
import { documents } from './documents.ts';
import type { Money } from './money.ts';
import { openTestTable, testDeps } from './table.ts';

/*
 * A journey is a sequence of changes at Stripe. Stripe may deliver the events of these changes late and in
 * any order. recordJourney runs the steps once on the stand-in through the real SDK and records Stripe's
 * answers after each step. Tests then deliver the events to a real table, as often and as late as they need.
 */

/** An event, and the step after which Stripe sends it. */
export interface SentEvent {
  readonly event: StripeEvent;
  readonly step: number;
}

export interface Journey {
  readonly customerId: string;
  /** The table after the first step, before any event is delivered. */
  readonly start: readonly Item[];
  readonly sentEvents: readonly SentEvent[];
  readonly lastStep: number;
  /** The time of all deliveries. It is fixed, so that the stored items depend only on the deliveries. */
  readonly deliveredAt: Date;
  /** Stripe after a step: replays the recorded answers and changes nothing. */
  stripeAfter(step: () => number): StripePort;
}

export interface JourneyCustomer {
  readonly customerId: string;
  readonly stripeCustomerId: string;
}

/** Runs the steps. Records the new events and Stripe's answers after each step. */
export async function recordJourney(
  { deps, events }: Money,
  { customerId, stripeCustomerId }: JourneyCustomer,
  steps: readonly (() => Promise<unknown>)[],
): Promise<Journey> {
  const port = await deps.stripe();
  const seen = new Set(events().map(({ id }) => id));
  const sentEvents: SentEvent[] = [];
  const answers: ReadonlyMap<string, unknown>[] = [];
  let start: readonly Item[] = [];
  for (const [step, act] of steps.entries()) {
    await act();
    if (step === 0) start = await contentsOf(deps.table);
    const newEvents = events().filter(({ id, type }) => !seen.has(id) && isHandled(type));
    for (const event of newEvents) {
      seen.add(event.id);
      sentEvents.push({ event, step });
    }
    answers.push(await readAnswers(port, stripeCustomerId, sentEvents));
  }
  return {
    customerId,
    start,
    sentEvents,
    lastStep: steps.length - 1,
    deliveredAt: new Date(),
    stripeAfter: (step) => replayAnswers(port, () => answers[step()] ?? new Map()),
  };
}

async function readAnswers(
  port: StripePort,
  stripeCustomerId: string,
  sentEvents: readonly SentEvent[],
): Promise<ReadonlyMap<string, unknown>> {
  const answers = new Map<string, unknown>();
  const recorder = recordAnswers(port, answers);
  const account = await recorder.readAccount(stripeCustomerId);
  // The events of a journey move no money, so a new card has no renewal to pay.
  const subscriptions = account.kind === 'account' ? account.subscriptions : [];
  for (const { id } of subscriptions) answers.set(callKey('findOpenRenewal', [id, false]), null);
  for (const { event } of sentEvents) {
    const subject = subjectOf(event);
    if (subject.kind === 'invoice') {
      await recorder.readInvoiceReach(subject.invoiceId);
      for (const hasBrought of [true, false])
        await recorder.readInvoiceValue(subject.invoiceId, { hasBrought });
    }
    if (subject.kind === 'failed_invoice') await recorder.readFailedRenewal(subject.invoiceId);
    if (subject.kind === 'payment') await recorder.readFixPayment(subject.paymentIntentId);
    if (subject.kind === 'returned_money' && subject.chargeId !== null) {
      const { paymentIntentId, paidFor } = await recorder.readReturnedMoney(subject.chargeId);
      for (const id of paidFor.kind === 'invoices' ? paidFor.invoiceIds : []) {
        for (const hasBrought of [true, false]) await recorder.readInvoiceValue(id, { hasBrought });
      }
      if (paymentIntentId !== null) await recorder.readFixPayment(paymentIntentId);
    }
  }
  return answers;
}

const callKey = (name: string | symbol, args: readonly unknown[]): string =>
  JSON.stringify([String(name), ...args]);

function recordAnswers(port: StripePort, answers: Map<string, unknown>): StripePort {
  return new Proxy(port, {
    get: (target, name, receiver) => {
      const call: unknown = Reflect.get(target, name, receiver);
      if (typeof call !== 'function') return call;
      return async (...args: unknown[]) => {
        const answer: unknown = await call.apply(target, args);
        answers.set(callKey(name, args), answer);
        return answer;
      };
    },
  });
}

function replayAnswers(port: StripePort, answers: () => ReadonlyMap<string, unknown>): StripePort {
  return new Proxy(port, {
    get: (target, name, receiver) => {
      const call: unknown = Reflect.get(target, name, receiver);
      if (typeof call !== 'function') return call;
      return async (...args: unknown[]) => {
        const key = callKey(name, args);
        if (!answers().has(key)) throw new Error(`no recorded answer of Stripe for ${key}`);
        return answers().get(key);
      };
    },
  });
}

/** A separate table for repeated deliveries of a journey's events. */
export class Lane {
  readonly deps: PaymentDeps;
  #step = 0;
  /** The contents of the table, or null if they must be read. */
  #held: readonly Item[] | null = null;

  private constructor(table: Table, { deliveredAt, stripeAfter }: Journey) {
    const stripe = stripeAfter(() => this.#step);
    this.deps = testDeps(table, { now: () => deliveredAt, stripe: async () => stripe });
  }

  static async open(journey: Journey): Promise<Lane> {
    return new Lane(await openTestTable(), journey);
  }

  /** Delivers an event while Stripe answers as it did after this step. */
  deliver(event: StripeEvent, step: number): Promise<AppliedEvent> {
    this.#step = step;
    this.#held = null;
    return applyEvent(this.deps, event);
  }

  async contents(): Promise<readonly Item[]> {
    this.#held ??= await contentsOf(this.deps.table);
    return this.#held;
  }

  /** Drops the cached contents. Needed after other code wrote to the table. */
  forget(): void {
    this.#held = null;
  }

  /** Replaces the contents of the table with these items. */
  async set(items: readonly Item[]): Promise<void> {
    await replaceContents(this.deps.table, await this.contents(), items);
    this.#held = items;
  }
}

const MAX_BATCH = 25;

async function replaceContents(
  { client, name }: Table,
  held: readonly Item[],
  wanted: readonly Item[],
): Promise<void> {
  const heldByKey = new Map(held.map((item) => [keyOf(item), JSON.stringify(item)]));
  const wantedKeys = new Set(wanted.map(keyOf));
  const writes = [
    ...wanted
      .filter((item) => heldByKey.get(keyOf(item)) !== JSON.stringify(item))
      .map((Item) => ({ PutRequest: { Item } })),
    ...held
      .filter((item) => !wantedKeys.has(keyOf(item)))
      .map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } })),
  ];
  for (let from = 0; from < writes.length; from += MAX_BATCH) {
    const { UnprocessedItems } = await documents({ client }).send(
      new BatchWriteCommand({ RequestItems: { [name]: writes.slice(from, from + MAX_BATCH) } }),
    );
    if (Object.keys(UnprocessedItems ?? {}).length > 0)
      throw new Error('the engine did not process the whole batch');
  }
}

/**
 * Returns every final table that some order of the events produces. Each event is delivered once, after the
 * last step. Orders that reach an identical table are merged, so this covers all orders without n! runs.
 */
export async function everyEnd(
  { lastStep }: Journey,
  start: readonly Item[],
  events: readonly StripeEvent[],
  lanes: readonly Lane[],
): Promise<readonly (readonly Item[])[]> {
  let tables = new Map<string, readonly Item[]>([[JSON.stringify(start), start]]);
  for (const _ of events) {
    const next = new Map<string, readonly Item[]>();
    const todo = [...tables.values()].flatMap((items) => {
      const recorded = new Set(items.map(({ event_id: id }) => id));
      return events.filter(({ id }) => !recorded.has(id)).map((event) => ({ items, event }));
    });
    const work = async (lane: Lane) => {
      for (let one = todo.pop(); one !== undefined; one = todo.pop()) {
        await lane.set(one.items);
        await lane.deliver(one.event, lastStep);
        const items = await lane.contents();
        next.set(JSON.stringify(items), items);
      }
    };
    await Promise.all(lanes.map(work));
    tables = next;
  }
  return [...tables.values()];
}

/**
 * The part of the outcome that must not depend on the order of events. Omits the order and times of the
 * entries.
 */
export function outcomeOf(items: readonly Item[], { customerId }: Journey) {
  const own = items.filter(({ pk }) => pk === `CUSTOMER#${customerId}`);
  const [head] = own.filter(({ sk }) => itemKind(sk) === 'head').map(decodeHead);
  if (head === undefined) throw new Error(`no head for ${customerId}`);
  // The order decides which entry raised the balance last, and the lowest balance in between.
  const {
    revision: _,
    seq: _seq,
    chain: _chain,
    raisedSeq: _raised,
    balanceLevel: _level,
    ...profile
  } = head;
  const worth = new Map<string, number>();
  for (const { source, amount, metadata } of own
    .filter(({ sk }) => itemKind(sk) === 'entry')
    .map(decodeEntry)) {
    const what = metadata['invoice_id'] ?? metadata['payment_intent_id'] ?? '';
    const group = `${source} ${what}`.trim();
    // Owed credits count as taken back: the order decides only when they are taken.
    worth.set(group, (worth.get(group) ?? 0) + amount - Number(metadata['debt_change'] ?? 0));
  }
  return {
    profile,
    worth: Object.fromEntries([...worth].filter(([, credits]) => credits !== 0).sort()),
    fixes: own
      .filter(({ sk }) => itemKind(sk) === 'fix')
      .map(decodeFix)
      .map(({ id, billed, charge, refundedCents }) => ({
        id,
        paidBy: billed?.paymentIntentId ?? null,
        charge: charge && [charge.attempt, charge.state, charge.paymentIntentId],
        refundedCents,
      })),
    invoices: own.filter(({ sk }) => String(sk).startsWith('ONCE#invoice#')).map(decodeInvoiceGuard),
    events: items
      .filter(({ sk }) => sk === 'EVENT')
      .map(decodeEvent)
      .map(({ eventId, outcome, customerId: whose }) => ({ eventId, outcome, whose })),
  };
}

import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { probeCustomerEmail, testCustomerEmail } from '../../../lib/domain/test-customer.ts';
import { ADDRESS_CHANGES, LETTER_LINKS, STRIPE_PAGES } from '../../../lib/http/call-limits.ts';
import { allContracts } from '../../../lib/http/contracts/index.ts';
import { limitRate } from '../../../lib/http/rate-limit.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { onboardCustomer } from '../../../lib/operations/accounts/onboard-customer.ts';
import { removeTestCustomer } from '../../../lib/operations/accounts/remove-test-customer.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { keys } from '../../../lib/store/keys.ts';
import { findByEmail } from '../../../lib/store/owners.ts';
import type { Table } from '../../../lib/store/table.ts';
import { isHandled } from '../../../lib/stripe/event-types.ts';
import { openSetupStripe as openSetUp } from '../../../lib/stripe/setup/open.ts';
import { ensureWebhookEndpoint } from '../../../lib/stripe/setup/webhook-endpoint.ts';
import { freePort } from '../../../local/stack/ports.ts';
import { contentsOf, keyOf } from '../../support/contents.ts';
import { documents, middlewareOf } from '../../support/documents.ts';
import { startFaultyEngine } from '../../support/faulty-engine.ts';
import { writeFixes } from '../../support/large-history.ts';
import { customerWithCard, type Money, openMoney } from '../../support/money.ts';
import { tamper } from '../../support/reconciliation.ts';
import { answering, failing } from '../../support/stripe-answers.ts';
import { engineEndpoint, openTestTable, throughSdk } from '../../support/table.ts';

let table: Table;
let money: Money;
beforeEach(async () => {
  table = await openTestTable();
  money = await openMoney(table, { deliveryAttempts: 1 });
  // The endpoint's port is closed. Each event stays undelivered at Stripe until `deliver` applies it.
  const setUp = openSetUp(money.env['STRIPE_SECRET_KEY'] ?? '', money.running.url);
  await ensureWebhookEndpoint(setUp, `http://127.0.0.1:${await freePort()}/api/webhooks/stripe`);
});

/** A customer like the smoke test's: on Pro, with a second card. The events are not delivered yet. */
async function testCustomer() {
  const { deps, newCard } = money;
  const email = testCustomerEmail(deps.randomBytes(8));
  const { head } = await onboardCustomer(deps, { name: 'Smoke test', email, source: 'smoke' });
  const { head: withCard } = await addPaymentMethod(deps, head, await newCard());
  await addPaymentMethod(deps, withCard, await newCard());
  await subscribeToPro(deps, head.customerId, null);
  const { stripeCustomerId } = withCard;
  if (stripeCustomerId === null) throw new Error('no Stripe customer');
  return { email, customerId: head.customerId, stripeCustomerId };
}

/** Delivers only the events that the endpoint subscribes to. */
const deliver = () => money.deliver(money.events().filter(({ type }) => isHandled(type)));

/** Delivers all events, as Stripe would, until the customer is removed. */
async function removed(who: Parameters<typeof removeTestCustomer>[1]) {
  const outcomes: string[] = [];
  for (let calls = 1; calls < 10; calls++) {
    outcomes.push(...(await deliver()).map(({ outcome }) => outcome));
    const removal = await removeTestCustomer(money.deps, who);
    if (removal.kind !== 'waiting') return { removal, outcomes };
  }
  throw new Error('still waiting');
}

const kinds = async () => (await contentsOf(table)).map((item) => keyOf(item).split('#')[0]);

describe('removing a customer of the smoke test', () => {
  it('removing a test customer leaves nothing, here and at Stripe, and no unapplied event', async () => {
    const before = await contentsOf(table);
    const { customerId, stripeCustomerId } = await testCustomer();
    const { removal, outcomes } = await removed({ customerId });
    expect(removal).toMatchObject({ kind: 'removed', items: expect.any(Number) });
    expect(await contentsOf(table)).toEqual(before);
    expect(await money.stripe.customers.retrieve(stripeCustomerId)).toMatchObject({ deleted: true });
    expect(money.double.state.subscriptions.newestFirst).toMatchObject([{ status: 'canceled' }]);
    expect(outcomes).not.toContain('parked');
  });

  it('removing a test customer removes every limit of calls that is counted for the customer', async () => {
    const before = await contentsOf(table);
    const { customerId } = await testCustomer();
    const limits = new Set([
      ...allContracts.flatMap(({ access, rateLimit }) => (access === 'api_key' && rateLimit) || []),
      ...[ADDRESS_CHANGES, LETTER_LINKS, STRIPE_PAGES],
    ]);
    expect([...limits].map(({ name }) => name)).toEqual(expect.arrayContaining(['cards', 'keys']));
    for (const limit of limits) await limitRate(money.deps, limit, customerId);
    await removed({ customerId });
    expect(await contentsOf(table)).toEqual(before);
  });

  it('removing waits for undelivered events of Stripe, and removes nothing before', async () => {
    const { customerId } = await testCustomer();
    const before = await contentsOf(table);
    const removal = await removeTestCustomer(money.deps, { customerId });
    expect(removal).toEqual({ kind: 'waiting', events: expect.any(Number) });
    expect(await contentsOf(table)).toEqual(before);
  });

  it('removing deletes the Stripe customer after all other events have arrived, and waits for that event too', async () => {
    const { customerId, stripeCustomerId } = await testCustomer();
    const isDeleted = async () => 'deleted' in (await money.stripe.customers.retrieve(stripeCustomerId));
    await deliver();
    // The subscription was active, so its end causes one more event.
    expect(await removeTestCustomer(money.deps, { customerId })).toEqual({ kind: 'waiting', events: 1 });
    expect(await isDeleted()).toBe(false);
    await deliver();
    expect(await removeTestCustomer(money.deps, { customerId })).toEqual({ kind: 'waiting', events: 1 });
    expect(await isDeleted()).toBe(true);
    await deliver();
    expect(await removeTestCustomer(money.deps, { customerId })).toMatchObject({ kind: 'removed' });
  });

  it('removing waits while Stripe does not list the deletion event yet', async () => {
    const { customerId, stripeCustomerId } = await testCustomer();
    await deliver();
    await money.stripe.customers.del(stripeCustomerId);
    await deliver();
    const { events } = money.double.state;
    const last = events.newestFirst.find(({ type }) => type === 'customer.deleted');
    events.delete(last?.id ?? '');
    expect(await removeTestCustomer(money.deps, { customerId })).toEqual({ kind: 'waiting', events: 1 });
    if (last !== undefined) events.add(last);
    expect(await removeTestCustomer(money.deps, { customerId })).toMatchObject({ kind: 'removed' });
  });

  it('removing waits neither for delivered events nor for events that the endpoint does not get', async () => {
    const { deps, newCard } = money;
    const email = testCustomerEmail(deps.randomBytes(8));
    const { head } = await onboardCustomer(deps, { name: 'Smoke test', email, source: 'smoke' });
    await addPaymentMethod(deps, head, await newCard());
    const { events } = money.double.state;
    for (const event of events.newestFirst) event.pending_webhooks = isHandled(event.type) ? 0 : 1;
    // Only the event of the deletion itself is on its way.
    expect(await removeTestCustomer(deps, { email })).toEqual({ kind: 'waiting', events: 1 });
    for (const event of events.newestFirst) event.pending_webhooks = isHandled(event.type) ? 0 : 1;
    expect(await removeTestCustomer(deps, { email })).toMatchObject({ kind: 'removed' });
  });

  it('removing does not cancel a subscription that has ended', async () => {
    const { customerId } = await testCustomer();
    await deliver();
    await removeTestCustomer(money.deps, { customerId });
    await deliver();
    const deps = await answering(money.deps, () => ({ cancelSubscription: failing('misconfigured') }));
    expect(await removeTestCustomer(deps, { customerId })).toEqual({ kind: 'waiting', events: 1 });
  });

  it('removing does not wait if waiting is switched off', async () => {
    const { email } = await testCustomer();
    const removal = await removeTestCustomer(money.deps, { email }, { awaitEvents: false });
    expect(removal).toMatchObject({ kind: 'removed' });
    expect(await kinds()).toEqual([]);
  });

  it('removing finds the customer by address too, and does nothing the second time', async () => {
    const { email, customerId } = await testCustomer();
    expect((await removed({ email })).removal.kind).toBe('removed');
    expect(await removeTestCustomer(money.deps, { email })).toEqual({ kind: 'unknown' });
    expect(await removeTestCustomer(money.deps, { customerId })).toEqual({ kind: 'unknown' });
  });

  it('removing works for a customer without a Stripe customer, and says how many items it deleted', async () => {
    const email = testCustomerEmail(money.deps.randomBytes(8));
    const { head } = await onboardCustomer(money.deps, { name: 'Smoke test', email, source: 'smoke' });
    await writeFixes(money.deps, head.customerId, { recorded: 250, billed: 0 });
    const items = (await contentsOf(table)).length;
    expect(items).toBeGreaterThan(250);
    expect(await removeTestCustomer(money.deps, { email })).toEqual({ kind: 'removed', items });
    expect(await kinds()).toEqual([]);
  });

  it('removing deletes a Stripe customer that a crash left unbound', async () => {
    const { deps } = money;
    const email = testCustomerEmail(deps.randomBytes(8));
    const { head } = await onboardCustomer(deps, { name: 'Smoke test', email, source: 'smoke' });
    const stripe = await deps.stripe();
    const { customerId, name } = head;
    const id = await stripe.createCustomer({ customerId, name, email, former: null });
    expect((await removed({ email })).removal.kind).toBe('removed');
    expect(await money.stripe.customers.retrieve(id)).toMatchObject({ deleted: true });
    expect(await kinds()).toEqual([]);
  });

  it('removing leaves items that now belong to another customer', async () => {
    const { customerId, stripeCustomerId } = await testCustomer();
    const somebody = 'f'.repeat(32);
    const card = (await contentsOf(table)).find((item) => keyOf(item).startsWith('CARD#'));
    for (const key of [card, keys.stripe(stripeCustomerId)]) {
      await documents(table).send(
        new PutCommand({ TableName: table.name, Item: { ...card, ...key, customer_id: somebody } }),
      );
    }
    await removeTestCustomer(money.deps, { customerId }, { awaitEvents: false });
    expect((await contentsOf(table)).map((item) => [keyOf(item).split('#')[0], item['customer_id']])).toEqual(
      [
        ['CARD', somebody],
        ['STRIPE', somebody],
      ],
    );
  });

  it.each([0, 1, 2, 3])('removing by address continues after a crash, after %i writes', async (writes) => {
    const { email } = await testCustomer();
    const engine = await startFaultyEngine(await engineEndpoint());
    onTestFinished(() => engine.close());
    const faulty = await throughSdk(table, engine.endpoint);
    let done = 0;
    middlewareOf(faulty).add(
      (next, context) => (args) => {
        if (context.commandName?.startsWith('TransactWrite') && done++ === writes) {
          engine.fail({ operation: 'TransactWriteItems', when: 'before', times: 3 });
        }
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    const now = { awaitEvents: false };
    await expect(removeTestCustomer({ ...money.deps, table: faulty }, { email }, now)).rejects.toThrow();
    expect(await kinds()).not.toEqual([]);
    expect(await removeTestCustomer(money.deps, { email }, now)).toMatchObject({ kind: 'removed' });
    expect(await kinds()).toEqual([]);
  });
});

describe('the order of a removal', () => {
  it('removing deletes the head after all else that is stored about the customer, and then the address', async () => {
    const { email } = await testCustomer();
    const deleted: string[][] = [];
    middlewareOf(table).add(
      (next, { commandName }) =>
        (args) => {
          if (commandName?.startsWith('TransactWrite'))
            deleted.push(
              JSON.stringify(args.input).match(/LEDGER#HEAD|EMAIL|FIX#|LEDGER#0|ONCE#|STRIPE/g) ?? [],
            );
          return next(args);
        },
      { step: 'initialize', priority: 'high', name: 'order' },
    );
    await removeTestCustomer(money.deps, { email }, { awaitEvents: false });
    middlewareOf(table).remove('order');
    expect(deleted.at(-2)).toEqual(['LEDGER#HEAD']);
    expect(deleted.at(-1)).toContain('EMAIL');
    expect(deleted.slice(0, -2).flat()).toEqual(expect.arrayContaining(['LEDGER#0', 'ONCE#', 'STRIPE']));
  });
});

describe('removing while others write', () => {
  /** A customer without a Stripe customer. `write` runs before each listing of what is stored about them. */
  async function removedWhile(write: (round: number, customerId: string) => Promise<unknown>) {
    const { deps } = money;
    const email = testCustomerEmail(deps.randomBytes(8));
    const { head } = await onboardCustomer(deps, { name: 'Smoke test', email, source: 'smoke' });
    const written = (await contentsOf(table)).length;
    let rounds = 0;
    middlewareOf(table).add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName !== 'QueryCommand') return next(args);
          rounds += 1;
          if (rounds > 20) throw new Error('the rounds do not end');
          await write(rounds, head.customerId);
          return next(args);
        },
      { step: 'initialize', priority: 'high', name: 'late' },
    );
    const removal = await removeTestCustomer(deps, { email })
      .catch((error: unknown) => error)
      .finally(() => middlewareOf(table).remove('late'));
    return { email, removal, rounds, written };
  }
  const ownerOf = async (email: string) => (await findByEmail(table, email)) ?? '';
  const putLate = (customerId: string, n: number) =>
    documents(table).send(
      new PutCommand({
        TableName: table.name,
        Item: { ...keys.fix(customerId, `late${n}`), id: `late${n}` },
      }),
    );

  it('removing deletes also what a call in flight writes after the first listing', async () => {
    const { removal, written } = await removedWhile(async (round, customerId) => {
      if (round !== 2) return;
      await putLate(customerId, round);
      await limitRate(money.deps, ADDRESS_CHANGES, customerId);
    });
    expect(removal).toEqual({ kind: 'removed', items: written + 2 });
    expect(await kinds()).toEqual([]);
  });

  it('removing goes on while a call in flight has written the head and one more item again', async () => {
    let head: Record<string, unknown> | undefined;
    const { removal, written } = await removedWhile(async (round, customerId) => {
      if (round === 1) head = (await contentsOf(table)).find(({ sk }) => sk === keys.head(customerId).sk);
      if (round !== 2) return;
      await documents(table).send(new PutCommand({ TableName: table.name, Item: head }));
      await putLate(customerId, round);
    });
    expect(head).toBeDefined();
    expect(removal).toEqual({ kind: 'removed', items: written + 2 });
    expect(await kinds()).toEqual([]);
  });

  it('removing gives up after five rounds in which other calls kept writing, and a repeat leaves nothing', async () => {
    const { email, removal, rounds } = await removedWhile((round, customerId) => putLate(customerId, round));
    expect(removal).toMatchObject({ code: 'ledger_busy' });
    expect(rounds).toBe(5);
    await putLate(await ownerOf(email), 6);
    expect(await removeTestCustomer(money.deps, { email })).toEqual({ kind: 'removed', items: 2 });
    expect(await kinds()).toEqual([]);
  });
});

describe('nobody else is removed', () => {
  const refused = { code: 'invalid_request' };

  it('a customer with another address is never removed, by id or by address, nor by the address in capitals', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 3);
    const before = await contentsOf(table);
    const address = String(before.find(({ email }) => typeof email === 'string')?.['email']);
    for (const who of [{ customerId }, { email: address }, { email: 'SMOKE+0123456789ABCDEF@rsolv.dev' }]) {
      await expect(removeTestCustomer(money.deps, who, { awaitEvents: false })).rejects.toMatchObject(
        refused,
      );
    }
    expect(await contentsOf(table)).toEqual(before);
    expect(await money.stripe.customers.retrieve(stripeCustomerId)).not.toHaveProperty('deleted');
  });

  it.each([
    'smoke@rsolv.dev',
    'smoke+1@rsolv.dev',
    'smoke+0123456789abcdef@rsolv.dev.example',
    'smoke+0123456789abcdef@mail.rsolv.dev',
    'x.smoke+0123456789abcdef@rsolv.dev',
    'smoke+0123456789abcdef0@rsolv.dev',
  ])(
    'an address such as %s only looks like a test address, and its customer is not removed',
    async (email) => {
      const { head } = await onboardCustomer(money.deps, { name: 'Acme', email, source: 'direct' });
      const { customerId } = head;
      await expect(removeTestCustomer(money.deps, { customerId })).rejects.toMatchObject(refused);
      await expect(removeTestCustomer(money.deps, { email })).rejects.toMatchObject(refused);
    },
  );

  it('no customer of the smoke test is removed on the live stage', async () => {
    const { email, customerId, stripeCustomerId } = await testCustomer();
    const before = await contentsOf(table);
    const live = { ...money.deps, stage: 'production' };
    for (const who of [{ customerId }, { email }]) {
      await expect(removeTestCustomer(live, who, { awaitEvents: false })).rejects.toMatchObject(refused);
    }
    expect(await contentsOf(table)).toEqual(before);
    expect(await money.stripe.customers.retrieve(stripeCustomerId)).not.toHaveProperty('deleted');
  });

  it.each([
    ['test', 'customers of the smoke test (smoke+…@rsolv.dev) and of the probe', 'customer close'],
    ['production', 'Only customers of the probe', 'only if Stripe does not know them'],
  ])('a refusal on the stage %s says which customers can be removed there', async (stage, ...said) => {
    const { customerId } = await customerWithCard(money, 3);
    const refusal = removeTestCustomer({ ...money.deps, stage }, { customerId });
    const error: unknown = await refusal.catch((thrown: unknown) => thrown);
    for (const text of said) expect(error).toMatchObject({ message: expect.stringContaining(text) });
  });

  it.each(['stripe_customer_id', 'former_stripe_customer_id'])(
    'a customer with an address of the probe and a stored %s is not removed, even if Stripe finds none',
    async (attribute) => {
      const email = probeCustomerEmail(money.deps.randomBytes(8));
      const { head } = await onboardCustomer(money.deps, { name: 'Stranger', email, source: 'direct' });
      await tamper({ table }, keys.head(head.customerId), attribute, 'cus_elsewhere');
      const before = await contentsOf(table);
      const live = { ...money.deps, stage: 'production' };
      await expect(removeTestCustomer(live, { email })).rejects.toMatchObject(refused);
      expect(await contentsOf(table)).toEqual(before);
    },
  );

  it('a customer of the probe is removed on the live stage too', async () => {
    const live = { ...money.deps, stage: 'production' };
    const email = probeCustomerEmail(money.deps.randomBytes(8));
    await onboardCustomer(money.deps, { name: 'Probe', email, source: 'probe' });
    expect(await removeTestCustomer(live, { email })).toMatchObject({ kind: 'removed' });
    expect(await kinds()).toEqual([]);
    expect(await removeTestCustomer(live, { email })).toEqual({ kind: 'unknown' });
  });

  it.each(['bound', 'unbound'])(
    'a customer with an address of the probe, whose Stripe customer is %s, is not removed on the live stage',
    async (which) => {
      const { deps, newCard } = money;
      const email = probeCustomerEmail(deps.randomBytes(8));
      const { head } = await onboardCustomer(deps, { name: 'Stranger', email, source: 'direct' });
      const { customerId, name } = head;
      if (which === 'bound') await addPaymentMethod(deps, head, await newCard());
      else await (await deps.stripe()).createCustomer({ customerId, name, email, former: null });
      const before = await contentsOf(table);
      const live = { ...deps, stage: 'production' };
      await expect(removeTestCustomer(live, { email }, { awaitEvents: false })).rejects.toMatchObject(
        refused,
      );
      expect(await contentsOf(table)).toEqual(before);
    },
  );
});

import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { askForAddress, confirmAddress, keepAddress } from '../../../lib/operations/access/change-address.ts';
import { letterLinkFor, openLetterLink } from '../../../lib/operations/access/letter-link.ts';
import { requestSignIn } from '../../../lib/operations/access/request-sign-in.ts';
import { makeConfirmLink, makeSignInLink, signIn } from '../../../lib/operations/access/sign-in.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keys } from '../../../lib/store/keys.ts';
import { markClosed } from '../../support/customers.ts';
import { documents } from '../../support/documents.ts';
import { customerWith, uniqueEmail } from '../../support/fixtures.ts';
import { headOf } from '../../support/money.ts';
import { allNoticesOf } from '../../support/notices.ts';
import { setHead } from '../../support/set-head.ts';
import { beforeTableCall, countingCalls, openTestTable, testDeps } from '../../support/table.ts';

/* Who gets a letter with a link, how long the link works, and what changes the address. */

const START = new Date('2026-11-24T12:00:00.000Z');
const HOUR_MS = 60 * 60_000;
const OFFICE = '192.0.2.1';

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable(), { now: () => START });
});
const msLater = (ms: number, by = deps): PaymentDeps => ({
  ...by,
  now: () => new Date(START.getTime() + ms),
});
const newCustomer = async () => (await customerWith(deps, 5)).head;

const lettersOf = async (customerId: string) =>
  (await allNoticesOf(deps.table, customerId)).filter(({ content }) => content.kind === 'sign_in').length;

/** Deps whose first transaction comes just after something else has happened. */
function beaten(happens: () => Promise<unknown>): PaymentDeps {
  const table = beforeTableCall(deps.table, 'TransactWrite', (nth) =>
    nth === 1 ? happens() : Promise.resolve(),
  );
  return { ...deps, table };
}

describe('a request for a sign-in letter', () => {
  const request = (email: string) => requestSignIn(deps, { email, sourceIp: OFFICE });

  it('an address is found whatever its case, and with blanks around it', async () => {
    const { customerId, email } = await newCustomer();
    await request(`  ${email.toUpperCase()} `);
    expect(await lettersOf(customerId)).toBe(1);
  });

  it('an address of no customer gets nothing, after one read', async () => {
    const { calls } = await countingCalls(deps.table, () => request(uniqueEmail()));
    expect(calls).toHaveLength(1);
  });

  it('a closed account, or one whose head is gone, gets no letter', async () => {
    const closed = await newCustomer();
    await markClosed(deps, closed.customerId);
    await request(closed.email);
    expect(await lettersOf(closed.customerId)).toBe(0);
    const gone = await newCustomer();
    await documents(deps.table).send(
      new DeleteCommand({ TableName: deps.table.name, Key: keys.head(gone.customerId) }),
    );
    await request(gone.email);
    expect(await lettersOf(gone.customerId)).toBe(0);
  });
});

describe('signing in', () => {
  it('a sign-in beside another change of the account still works, and says whether it confirmed the address', async () => {
    const { customerId, email } = await newCustomer();
    await setHead(deps.table, customerId, 'email_state', 'unconfirmed');
    const { token } = await makeSignInLink(deps, customerId, { mailedTo: email });
    const adjustment = { amount: 1, reason: 'test', actor: 'tests', idempotencyKey: 'k1' };
    const busy = beaten(() => adjustCredits(deps, customerId, adjustment));
    expect((await signIn(busy, token, OFFICE)).confirmed).toBe(true);
    const again = await makeSignInLink(deps, customerId, { mailedTo: email });
    expect((await signIn(deps, again.token, OFFICE)).confirmed).toBe(false);
  });
});

describe('a new address', () => {
  const ask = async (customerId: string) => {
    const email = uniqueEmail();
    await askForAddress(deps, customerId, email);
    return { email, ...(await makeConfirmLink(deps, customerId, email)) };
  };

  it('a link that confirms an address works for a day, and not a second longer', async () => {
    const [one, other] = [await newCustomer(), await newCustomer()];
    const early = await ask(one.customerId);
    const late = await ask(other.customerId);
    expect(early.validUntil).toEqual(new Date(START.getTime() + 24 * HOUR_MS));
    expect(await confirmAddress(msLater(24 * HOUR_MS - 1_000), early.token)).toMatchObject({
      confirmed: true,
    });
    expect(await headOf(deps, one.customerId)).toMatchObject({ email: early.email, newEmail: null });
    await expect(confirmAddress(msLater(24 * HOUR_MS), late.token)).rejects.toMatchObject({
      code: 'link_not_valid',
    });
  });

  it('a closed account cannot ask for a new address', async () => {
    const { customerId } = await newCustomer();
    await markClosed(deps, customerId);
    await expect(askForAddress(deps, customerId, uniqueEmail())).rejects.toMatchObject({
      code: 'account_closed',
    });
  });

  it('a request that is withdrawn twice is written once', async () => {
    const { customerId } = await newCustomer();
    const { token } = await ask(customerId);
    await keepAddress(deps, customerId);
    const { calls } = await countingCalls(deps.table, () => keepAddress(deps, customerId));
    expect(calls.filter((name) => /Put|Update|Write/.test(name))).toEqual([]);
    await expect(confirmAddress(deps, token)).rejects.toMatchObject({ code: 'link_not_valid' });
  });

  it('a link does not confirm an address for which another one was asked just before', async () => {
    const { customerId, email } = await newCustomer();
    const { token } = await ask(customerId);
    const replaced = beaten(() => askForAddress(deps, customerId, uniqueEmail()));
    await expect(confirmAddress(replaced, token)).rejects.toMatchObject({ code: 'link_not_valid' });
    expect((await headOf(deps, customerId)).email).toBe(email);
  });
});

describe("a letter's link", () => {
  it("a letter's link works for seven days, and not a second longer", async () => {
    const { customerId } = await newCustomer();
    const url = await letterLinkFor(deps, customerId, { kind: 'add_card' }, 'https://billing.test');
    const token = new URL(url ?? '').searchParams.get('link') ?? '';
    const week = 7 * 24 * HOUR_MS;
    expect(await openLetterLink(msLater(week - 1_000), token)).toMatchObject({
      customerId,
      purpose: { kind: 'add_card' },
    });
    await expect(openLetterLink(msLater(week), token)).rejects.toMatchObject({ code: 'link_not_valid' });
    await expect(openLetterLink(deps, 'no token')).rejects.toMatchObject({ code: 'link_not_valid' });
  });

  it('a closed account gets no letter link', async () => {
    const { customerId } = await newCustomer();
    await markClosed(deps, customerId);
    expect(await letterLinkFor(deps, customerId, { kind: 'add_card' }, 'https://billing.test')).toBeNull();
  });
});

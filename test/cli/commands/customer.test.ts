import stringWidth from 'string-width';
import { afterAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { billingConsent } from '../../../lib/domain/evidence/billing-consent.ts';
import { noSpending } from '../../../lib/domain/payments/spending.ts';
import { askToClose, keepOpen } from '../../../lib/operations/accounts/ask-to-close.ts';
import { changeSpendingLimit } from '../../../lib/operations/accounts/change-spending-limit.ts';
import { onboardCustomer } from '../../../lib/operations/accounts/onboard-customer.ts';
import { keepConsent } from '../../../lib/store/evidence/consents.ts';
import { keys } from '../../../lib/store/keys.ts';
import { moveSpending, reserveSpending } from '../../../lib/store/payments/spending.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import { openService } from '../../support/cli/service.ts';
import { customerWith, uniqueEmail } from '../../support/fixtures.ts';
import { api, call } from '../../support/http.ts';
import { headOf } from '../../support/money.ts';

vi.mock('../../../lib/runtime/start.ts', () => import('../../support/cli/runtime.ts'));

const service = await openService();
afterAll(() => service.stop());
const { deps, json, lines, refusal, run, setByHand } = service;

const UNKNOWN_CUSTOMER = '0'.repeat(32);

describe('customer', () => {
  it('customer show finds a customer by id, and by e-mail address in any case', async () => {
    const email = uniqueEmail();
    const { head } = await onboardCustomer(deps, {
      name: '株式会社 \u001b[31mAcme',
      email,
      source: 'direct',
    });
    const { code, shown } = await lines('customer', 'show', head.customerId);
    expect(code).toBe(0);
    expect(shown).toEqual(
      expect.arrayContaining([
        `customer       ${head.customerId}`,
        'name           株式会社 \u{fffd}[31mAcme',
        `e-mail         ${email}`,
        'plan           trial',
        'balance        5 credits, 0 owed',
        'card on file   no',
        'API keys       1 active',
        'ledger         1 entry',
      ]),
    );
    expect((await lines('customer', 'show', email.toUpperCase())).shown).toEqual(shown);

    const { answer } = await json('customer', 'show', email);
    expect(answer).toMatchObject({
      id: head.customerId,
      email,
      plan: 'trial',
      credit_balance: 5,
      has_payment_method: false,
      open_charges: [],
      order: null,
      notices: { total: 1 },
      newest_entries: [{ seq: 1, amount: 5, balance_after: 5, source: 'trial_signup' }],
    });
    expect(JSON.stringify(answer)).not.toContain('rsolv_');
  });

  it('customer show has the spending limit, and what this month has reserved and spent', async () => {
    const { head } = await customerWith(deps, 0);
    const { customerId } = head;
    const month = deps.now().toISOString().slice(0, 7);
    const shownOf = async () => (await lines('customer', 'show', customerId)).shown;
    expect(await shownOf()).toEqual(expect.arrayContaining(['month limit    $2,900.00 a month']));
    const charge = { amountCents: 2_900, limitCents: 290_000 };
    await writeTogether(deps.table, [reserveSpending(customerId, noSpending(month), charge, null)]);
    const waiting = { committedCents: 0, spentCents: 0, awaitingCents: 2_900 };
    await writeTogether(deps.table, moveSpending(customerId, month, waiting));
    const used = `${month}: $0.00 spent, $29.00 reserved ($29.00 waiting for the cardholder), $2,871.00 left`;
    expect((await shownOf()).join(' ').replace(/\s+/g, ' ')).toContain(`fix charges ${used}`);
    const { answer } = await json('customer', 'show', customerId);
    expect(answer).toMatchObject({
      spending_limit: { monthly_cents: 290_000, reserved_cents: 2_900, room_cents: 287_100 },
    });
    await changeSpendingLimit(deps, customerId, null);
    expect(await shownOf()).toContain('month limit    none');
  });

  it('customer show lists the billing consent of each card', async () => {
    const { head } = await customerWith(deps, 5);
    const origin = {
      sourceIp: '2001:db8::7',
      userAgent: 'checkout/1.0',
      by: { kind: 'api_key', keyId: 'a'.repeat(64) },
    } as const;
    const at = new Date('2026-11-24T14:05:00.000Z');
    await writeTogether(deps.table, [keepConsent(head.customerId, billingConsent('pm_1', origin, at))]);
    const { shown } = await lines('customer', 'show', head.customerId);
    expect(shown.join(' ').replace(/\s+/g, ' ')).toContain(
      'consent 2026-11-24 14:05 UTC, pm_1, from 2001:db8::7, key aaaaaaaa, text of ',
    );
    const { answer } = await json('customer', 'show', head.customerId);
    expect(answer).toMatchObject({
      billing_consents: [
        {
          payment_method_id: 'pm_1',
          given_at: at.toISOString(),
          text: expect.stringContaining('agrees'),
          source_ip: '2001:db8::7',
          user_agent: 'checkout/1.0',
          api_key_id: 'a'.repeat(64),
          page: null,
        },
      ],
    });
  });

  it('customer show reports an unknown customer', async () => {
    expect(await refusal('customer', 'show', UNKNOWN_CUSTOMER)).toEqual([1, 'customer_not_found']);
    expect(await refusal('customer', 'show', 'unknown@customer.example')).toEqual([1, 'customer_not_found']);
    const { stdout, stderr, code } = await run('customer', 'show', UNKNOWN_CUSTOMER);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      `error (local) There is no customer ${UNKNOWN_CUSTOMER} on this stage. Search with: customer list\n`,
    );
  });

  it('customer list shows each customer exactly once across its pages', async () => {
    const added = [];
    for (let n = 0; n < 3; n++) added.push((await customerWith(deps, 5)).head.customerId);
    const found: unknown[] = [];
    let cursor: string[] = [];
    for (let page = 0; page < 50; page++) {
      const { answer } = await json('customer', 'list', '--limit', '2', ...cursor);
      const { customers, next_cursor } = z
        .object({
          customers: z.array(z.looseObject({ id: z.string() })),
          next_cursor: z.nullable(z.string()),
        })
        .parse(answer);
      expect(customers.length).toBeLessThanOrEqual(2);
      found.push(...customers.map(({ id }) => id));
      if (next_cursor === null) break;
      cursor = ['--cursor', next_cursor];
    }
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining(added));
  });

  it('customer list filters by plan and owed credits, and keeps a long address whole in a pipe', async () => {
    const email = `${'a'.repeat(60)}@${'b'.repeat(50)}.example`;
    const { head } = await onboardCustomer(deps, { name: 'Long', email, source: 'direct' });
    await setByHand(keys.head(head.customerId), 'debt', 7);
    const { shown } = await lines('customer', 'list', '--owing', '--plan', 'trial');
    expect(shown[1]).toMatch(new RegExp(`^${head.customerId}  trial +5 +7  ${email}$`));
    const none = { customers: [], next_cursor: null };
    expect((await json('customer', 'list', '--owing', '--plan', 'pro')).answer).toEqual(none);
    await setByHand(keys.head(head.customerId), 'debt', 0);
    expect((await json('customer', 'list', '--owing')).answer).toEqual(none);
  });

  it('customer list finds the customers who asked to close their account, and show says when', async () => {
    const { head } = await customerWith(deps, 5);
    await askToClose(deps, head.customerId);
    const { shown } = await lines('customer', 'list', '--closing');
    expect(shown.filter((line) => /^[0-9a-f]{32} /.test(line))).toEqual([
      expect.stringContaining(head.customerId),
    ]);
    const { shown: one } = await lines('customer', 'show', head.customerId);
    expect(one.join('\n')).toMatch(/asked to close +\d{4}-/);
    expect(one.join('\n')).toMatch(/e-mail is +not confirmed/);
    await keepOpen(deps, head.customerId);
    expect((await json('customer', 'list', '--closing')).answer).toEqual({
      customers: [],
      next_cursor: null,
    });
  });

  it('customer close asks first, closes the account, and is idempotent', async () => {
    const { head, apiKey } = await customerWith(deps, 5);
    const close = ['customer', 'close', head.customerId, '--reason', 'asked to be forgotten'];
    expect(await refusal(...close)).toEqual([2, 'confirmation_needed']);
    expect((await headOf(deps, head.customerId)).closedAt).toBeNull();

    expect(await json(...close, '--yes')).toMatchObject({ code: 0, answer: { already: false, balance: 5 } });
    expect((await headOf(deps, head.customerId)).closedAt).not.toBeNull();
    expect((await call(api.getUsage, { apiKey })).status).toBe(401);
    expect(await json(...close, '--yes')).toMatchObject({ code: 0, answer: { already: true } });
    // The sweeper later removes what a request in flight may have written.
    expect((await json('charges', 'pending')).answer).toMatchObject({
      charges: [{ kind: 'closing', customer_id: head.customerId }],
    });
    expect((await lines('charges', 'pending')).shown[1]).toMatch(
      new RegExp(`^${head.customerId}  closing  +to be cleared`),
    );
    expect(await json('charges', 'settle', '--now')).toMatchObject({ answer: { settled: 1, failed: [] } });
    expect(await refusal('customer', 'close', UNKNOWN_CUSTOMER, '--reason', 'x', '--yes')).toEqual([
      1,
      'customer_not_found',
    ]);
  });

  const HOSTILE = 'Acme \u202eecmA\u2066\u061c\u200e\u009b31m \u001b]0;owned\u0007\r\nB';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches the characters that must not be written
  const UNPRINTABLE = /(?!\n)[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

  it('control and bidi characters of a name are replaced in text and escaped in JSON', async () => {
    const { head } = await customerWith(deps, 5);
    await setByHand(keys.head(head.customerId), 'name', HOSTILE);
    for (const columns of [0, 80]) {
      const { stdout } = await service.runIn({ columns }, 'customer', 'show', head.customerId);
      expect(stdout).not.toMatch(UNPRINTABLE);
      expect(stdout).toContain('Acme \u{fffd}ecmA');
    }
    const { stdout } = await run('customer', 'show', head.customerId, '--json');
    expect(stdout).not.toMatch(UNPRINTABLE);
    expect(stdout).toContain('\\u202eecmA\\u2066\\u061c\\u200e\\u009b');
    expect(JSON.parse(stdout)).toMatchObject({ name: HOSTILE });
  });

  it.each([80, 60, 40])('customer list keeps ids and addresses whole in %i columns', async (columns) => {
    const { head } = await customerWith(deps, 5);
    const { stdout } = await service.runIn({ columns }, 'customer', 'list', '--limit', '1000');
    const shown = stdout.split('\n');
    for (const whole of [head.customerId, head.email]) {
      expect(shown.filter((line) => line.includes(whole))).toHaveLength(1);
    }
    const ours = shown.filter((line) => !line.includes('aaaa'));
    for (const line of ours) expect([line, stringWidth(line) <= columns]).toEqual([line, true]);
  });

  it('customer list writes one line per customer in a pipe, with id and address', async () => {
    const { head } = await customerWith(deps, 5);
    const { stdout } = await run('customer', 'list', '--limit', '1000');
    expect(stdout.split('\n').filter((line) => line.includes(head.email))).toEqual([
      expect.stringContaining(head.customerId),
    ]);
  });
});

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NOTICE_KINDS, OPTIONAL_NOTICE_KINDS } from '../../lib/domain/notice-kinds.ts';
import { api, call, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';

let customer: SignedUp;
beforeAll(async () => {
  await serveFromTestTable();
});
beforeEach(async () => {
  customer = await signUp();
});

const read = async () => {
  const { status, body } = await call(api.getNoticeSettings, { apiKey: customer.apiKey });
  expect(status).toBe(200);
  return body['notices'];
};
const change = (body: unknown) => call(api.changeNoticeSettings, { apiKey: customer.apiKey, body });
const off = (...kinds: string[]) =>
  NOTICE_KINDS.map((kind) => expect.objectContaining({ kind, enabled: !kinds.includes(kind) }));

describe('which e-mails a customer gets', () => {
  it('a customer gets all e-mails by default', async () => {
    expect(await read()).toEqual(off());
  });

  it('notice settings can be changed kind by kind, and back', async () => {
    const { status, body } = await change({ turned_off: ['low_balance', 'card_declined', 'low_balance'] });
    expect([status, body['notices']]).toEqual([200, off('low_balance', 'card_declined')]);
    expect(await read()).toEqual(off('low_balance', 'card_declined'));
    expect((await change({ turned_off: [] })).status).toBe(200);
    expect(await read()).toEqual(off());
  });

  it('notice settings leave the mandatory notices on', async () => {
    const mandatory = NOTICE_KINDS.filter((kind) => !OPTIONAL_NOTICE_KINDS.some((one) => one === kind));
    expect(mandatory).toEqual([
      'payment_failed',
      'renewal_approval',
      'grace_ending',
      'pro_started',
      'pro_cancelled',
      'pro_resumed',
      'subscription_ended',
      'card_added',
      'card_replaced',
      'card_removed',
      'dispute',
      'dispute_closed',
      'refund_made',
      'credits_removed',
      'limit_reached',
      'limit_changed',
      'key_issued',
      'key_revoked',
      'sign_in',
      'confirm_address',
      'address_changed',
      'closing_asked',
      'digest',
      'account_closed',
    ]);
    for (const kind of mandatory) {
      const { status, body } = await change({ turned_off: [kind] });
      expect([status, body['code']]).toEqual([422, 'invalid_request']);
      expect(body['detail']).toContain('must be one that can be turned off: low_balance, exhausted');
    }
    expect(await read()).toEqual(off());
  });

  it('notice settings accept nothing else', async () => {
    for (const body of [{}, { turned_off: 'low_balance' }, { turned_off: [], credit_balance: 5 }, []]) {
      expect((await change(body)).status, JSON.stringify(body)).toBe(422);
    }
    expect((await call(api.changeNoticeSettings, { body: { turned_off: [] } })).status).toBe(401);
  });

  it('a value that is no list is rejected with only that error', async () => {
    for (const none of ['low_balance', 'off', {}, 1]) {
      const { body } = await change({ turned_off: none });
      const message = 'must be a list';
      expect(body['errors'], JSON.stringify(none)).toEqual([{ field: 'turned_off', message }]);
    }
  });

  it("notice settings can be read only with the customer's own keys", async () => {
    const other = await signUp();
    await change({ turned_off: ['exhausted'] });
    const { body } = await call(api.getNoticeSettings, { apiKey: other.apiKey });
    expect(body['notices']).toEqual(off());
  });
});

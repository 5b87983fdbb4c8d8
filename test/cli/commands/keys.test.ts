import { afterAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { openService } from '../../support/cli/service.ts';
import { customerWith } from '../../support/fixtures.ts';
import { api, call, fixBody } from '../../support/http.ts';

vi.mock('../../../lib/runtime/start.ts', () => import('../../support/cli/runtime.ts'));

const service = await openService();
afterAll(() => service.stop());
const { deps, json, lines, refusal } = service;

const UNKNOWN_CUSTOMER = '0'.repeat(32);

const IssuedKey = z.object({ key_id: z.string(), api_key: z.string() });

describe('keys', () => {
  it('a key is shown once, listed only by its id, and revoked by a prefix of its id', async () => {
    const { head } = await customerWith(deps, 5);
    const id = head.customerId;
    const issued = IssuedKey.parse((await json('keys', 'issue', id, '--reason', 'sign-up lost')).answer);
    const usage = async () => (await call(api.getUsage, { apiKey: issued.api_key })).status;
    expect(await usage()).toBe(200);

    const { answer } = await json('keys', 'list', id);
    expect(answer['keys']).toHaveLength(2);
    expect(answer['keys']).toContainEqual(expect.objectContaining({ id: issued.key_id, revoked_at: null }));
    expect(JSON.stringify(answer)).not.toContain('rsolv_');
    const { shown } = await lines('keys', 'list', id);
    expect(shown.filter((line) => line.includes('active'))).toHaveLength(2);
    expect(shown.filter((line) => line.startsWith(issued.key_id))).toHaveLength(1);

    const revoke = ['keys', 'revoke', id, issued.key_id.slice(0, 8), '--reason', 'leaked'];
    expect(await refusal(...revoke)).toEqual([2, 'confirmation_needed']);
    expect(await usage()).toBe(200);
    expect(await json(...revoke, '--yes')).toMatchObject({ code: 0, answer: { key_id: issued.key_id } });
    expect(await usage()).toBe(401);
    expect((await json(...revoke, '--yes')).code).toBe(0);
    expect(await refusal('keys', 'revoke', id, '00000000', '--reason', 'x', '--yes')).toEqual([
      1,
      'api_key_not_found',
    ]);
  });

  it('keys are listed with name, scope and last use, and all others are ended only after a confirmation', async () => {
    const { head, keyId } = await customerWith(deps, 5);
    const id = head.customerId;
    const why = ['--reason', 'leaked'];
    const named = await json('keys', 'issue', id, ...why, '--name', 'CI of webshop', '--scope', 'fixes');
    const ci = IssuedKey.parse(named.answer);
    await call(api.recordFixAttempt, { apiKey: ci.api_key, body: fixBody(1) });
    const today = new Date().toISOString().slice(0, 10);
    const { answer } = await json('keys', 'list', id);
    expect(answer['keys']).toContainEqual(
      expect.objectContaining({
        id: ci.key_id,
        name: 'CI of webshop',
        scope: 'fixes',
        last_used_on: today,
      }),
    );
    const { shown } = await lines('keys', 'list', id);
    expect(shown.join('\n')).toMatch(/key id +name +scope +state +issued \(UTC\) +last used +revoked/);
    expect(shown.find((line) => line.startsWith(ci.key_id))).toMatch(
      new RegExp(`CI of webshop +fixes +active +.* +${today}`),
    );

    const endOthers = ['keys', 'issue', id, ...why, '--end-others'];
    expect(await refusal(...endOthers)).toEqual([2, 'confirmation_needed']);
    const only = (await json(...endOthers, '--yes')).answer;
    expect(only['ended']).toEqual(expect.arrayContaining([keyId, ci.key_id]));
    expect((await call(api.getUsage, { apiKey: ci.api_key })).status).toBe(401);
    expect((await call(api.getUsage, { apiKey: String(only['api_key']) })).status).toBe(200);
    const last = ['keys', 'revoke', id, String(only['key_id']), ...why, '--yes'];
    expect(await refusal(...last)).toEqual([1, 'last_key']);
    expect(await refusal('keys', 'issue', id, ...why, '--scope', 'all')).toEqual([2, 'usage']);
  });

  it('keys reports an unknown customer', async () => {
    expect(await refusal('keys', 'list', UNKNOWN_CUSTOMER)).toEqual([1, 'customer_not_found']);
    expect(await refusal('keys', 'issue', UNKNOWN_CUSTOMER, '--reason', 'x')).toEqual([
      1,
      'customer_not_found',
    ]);
    expect(await refusal('keys', 'revoke', UNKNOWN_CUSTOMER, 'abcdef01', '--reason', 'x', '--yes')).toEqual([
      1,
      'customer_not_found',
    ]);
  });
});

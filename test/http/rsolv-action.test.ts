import { beforeAll, describe, expect, it } from 'vitest';
import type { Deps } from '../../lib/runtime/deps.ts';
import { countedIn, heard } from '../support/counted.ts';
import { expectSoundLedger } from '../support/customers.ts';
import { type Answer, api, call, deployFix, fixBody, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';

let deps: Deps;
beforeAll(async () => {
  deps = await serveFromTestTable();
});

describe('the calls that RSOLV-action makes', () => {
  it('RSOLV-action can record, record again, find, bill, and bill again ten times concurrently', async () => {
    const { apiKey, customerId } = await signUp();
    const body = fixBody(7, {
      issue_number: 3,
      issue_title: 'SQL injection',
      issue_url: 'https://github.com/acme/webshop/issues/3',
      api_key_used: apiKey,
      metadata: { scanner: 'semgrep', nested: { deep: [1, 1e300, null] } },
      vulnerability_id: 'CWE-89',
    });
    const recorded = await call(api.recordFixAttempt, { apiKey, body });
    expect(recorded.status).toBe(201);
    expect(recorded.body).toMatchObject({
      status: 'pending',
      github_org: 'acme',
      repo_name: 'webshop',
      pr_number: 7,
      billing_status: 'not_billed',
      metadata: { scanner: 'semgrep', nested: { deep: [1, 1e300, null] } },
    });

    const again = await call(api.recordFixAttempt, {
      apiKey,
      body: { ...body, pr_title: 'edited', repo_name: 'WebShop' },
    });
    expect(again.status).toBe(200);
    expect(again.body).toEqual(recorded.body);

    const query = { github_org: 'Acme', repo_name: 'webshop', pr_number: '7' };
    const found = await call(api.findFixAttempt, { apiKey, query });
    expect([found.status, found.body['id']]).toEqual([200, recorded.body['id']]);
    const unknown = await call(api.findFixAttempt, { apiKey, query: { ...query, pr_number: '8' } });
    expect([unknown.status, unknown.body['code']]).toEqual([404, 'fix_attempt_not_found']);

    const params = { id: String(recorded.body['id']) };
    const billed = await call(api.billFixAttempt, { apiKey, params });
    expect([billed.status, billed.body]).toEqual([
      200,
      {
        id: params.id,
        billing_status: 'billed',
        message: 'Billed',
        outcome: 'credit_consumed',
        amount_cents: 0,
        credit_balance: 4,
      },
    ]);

    const repeats = await Promise.all(
      Array.from({ length: 10 }, () => call(api.billFixAttempt, { apiKey, params })),
    );
    for (const repeat of repeats) {
      expect([repeat.status, repeat.body]).toEqual([200, { ...billed.body, message: 'Already billed' }]);
    }
    const { entries } = await expectSoundLedger(deps, customerId);
    expect(entries.map(({ source }) => source)).toEqual(['trial_signup', 'fix_deployed']);
    const merged = await call(api.findFixAttempt, { apiKey, query });
    expect(merged.body).toMatchObject({
      status: 'merged',
      billing_status: 'billed',
      outcome: 'credit_consumed',
    });
  });

  it('the same pull request recorded ten times concurrently is recorded once', async () => {
    const { apiKey } = await signUp();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => call(api.recordFixAttempt, { apiKey, body: fixBody(1) })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(9);
    expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1);
  });

  it('the older code path, which sends placeholders, gets an error for each field', async () => {
    const { apiKey } = await signUp();
    const body = { github_org: 'unknown', repo_name: 'unknown', pr_number: 0, pr_title: 'Fix' };
    const answer = await call(api.recordFixAttempt, { apiKey, body });
    expect(answer.status).toBe(422);
    expect(fieldsOf(answer)).toEqual(['github_org', 'repo_name', 'pr_number']);
    expect(answer.body['detail']).toBe(
      'GitHub organisation must name the real one, not "unknown". ' +
        'Repository name must name the real one, not "unknown". Pull request number must be greater than 0.',
    );
  });

  it('a body that names no repository is counted for an alarm, with its customer in the log', async () => {
    const { apiKey, customerId } = await signUp();
    const record = (more: object) =>
      heard(() => call(api.recordFixAttempt, { apiKey, body: fixBody(9, { ...more }) }));
    for (const more of [
      { github_org: 'unknown' },
      { repo_name: 'Unknown' },
      { github_org: 'unknown', pr_number: 0 },
    ]) {
      const { result, lines } = await record(more);
      expect([result.status, countedIn(lines)]).toEqual([
        422,
        ['FixUnrecorded', 'KeyAccepted', 'RequestRefused'],
      ]);
      const line = lines.find((one) => /"message": ?"fix_unrecorded"/.test(one));
      expect(line).toContain(customerId);
    }
    for (const more of [{ pr_number: 0 }, { github_org: 5 }, {}]) {
      expect(countedIn((await record(more)).lines)).not.toContain('FixUnrecorded');
    }
    const stranger = { apiKey: 'nonsense', body: fixBody(9, { github_org: 'unknown' }) };
    const { lines } = await heard(() => call(api.recordFixAttempt, stranger));
    expect(countedIn(lines)).toEqual(['KeyRefused']);
  });

  it('a pull request without a title and an address gets its number and its address on GitHub', async () => {
    const { apiKey } = await signUp();
    const body = { github_org: 'Acme', repo_name: 'webshop.js', pr_number: 3 };
    const { status, body: fix } = await call(api.recordFixAttempt, { apiKey, body });
    expect(status).toBe(201);
    expect(fix).toMatchObject({
      pr_title: 'Pull request 3',
      pr_url: 'https://github.com/Acme/webshop.js/pull/3',
    });
  });

  it('without credits and without a card the fix is blocked, nothing is written, and later billing works', async () => {
    const { apiKey, customerId } = await signUp();
    for (const pr of [1, 2, 3, 4, 5]) expect((await deployFix(apiKey, pr)).status).toBe(200);
    const before = await expectSoundLedger(deps, customerId);
    const blocked = await deployFix(apiKey, 6);
    expect(blocked.status).toBe(402);
    expect(blocked.body).toMatchObject({ code: 'no_billing_info', status: 402, credit_balance: 0 });
    expect(blocked.body['error']).toBe(blocked.body['detail']);
    const after = await expectSoundLedger(deps, customerId);
    expect(after.entries).toEqual(before.entries);
    expect((await deployFix(apiKey, 1)).body).toMatchObject({ message: 'Already billed', credit_balance: 0 });
  });
});

function fieldsOf(answer: Answer): string[] {
  const { errors } = answer.body;
  if (!Array.isArray(errors)) throw new Error('no errors');
  return errors.map((error: { field: string }) => error.field);
}

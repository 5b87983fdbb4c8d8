import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../../functions/probe.ts';
import { askAt } from '../../../lib/operations/probe/ask.ts';
import { contentsOf, keyOf } from '../../support/contents.ts';
import { countedIn, heard } from '../../support/counted.ts';
import {
  answering,
  BILL,
  HOUR,
  MINUTE,
  PARAMETER,
  RECORD,
  SIGN_UP,
  startProbedStage,
} from '../../support/probed-stage.ts';

/* The probe, run against the service. */

const stage = await startProbedStage();
afterAll(() => stage.stop());
beforeEach(() => stage.settle());

describe('the probe', () => {
  it('the first run signs a test customer up, and keeps their key in a SecureString only', async () => {
    await stage.forget();
    stage.store.calls.length = 0;
    const { outcome, calls: made } = await stage.run();
    expect([outcome, made]).toEqual(['passed', ['GET /health', SIGN_UP, RECORD, BILL]]);
    const { customer } = await stage.memory();
    expect(customer?.apiKey).toMatch(/^rsolv_/);
    expect([...new Set(stage.store.calls)]).toEqual([
      `GetParameter ${PARAMETER}`,
      `PutParameter SecureString ${PARAMETER}`,
    ]);
    expect(JSON.stringify(stage.reported)).not.toContain(customer?.apiKey);
  });

  it('a run asks for health and bills a fix that is billed already, and changes nothing', async () => {
    const before = await contentsOf(stage.table);
    const { outcome, calls: made } = await stage.run();
    expect([outcome, made.toSorted()]).toEqual(['passed', ['GET /health', BILL, BILL, BILL]]);
    expect(stage.reported).toEqual([
      expect.objectContaining({ kind: 'probe_ended', requests: 4, faults: 0 }),
    ]);
    expect(await contentsOf(stage.table)).toEqual(before);
  });

  it('a fresh test customer replaces the one of the day before, which is removed', async () => {
    const first = (await stage.memory()).customer;
    stage.nowMs += 24 * HOUR;
    expect((await stage.run()).outcome).toBe('passed');
    const second = (await stage.memory()).customer;
    expect(second?.email).not.toBe(first?.email);
    expect(await stage.customers()).toHaveLength(2);
    expect((await stage.run()).outcome).toBe('passed');
    expect((await stage.customers()).map(keyOf)).toEqual([expect.stringContaining(String(second?.email))]);
    expect((await stage.memory()).leaving).toEqual([]);
  });

  it('the function counts a completed run, and neither the key nor the address is in the log', async () => {
    const { result, lines } = await heard(() => handler());
    expect(result).toEqual({ outcome: 'passed', findings: [] });
    expect(countedIn(lines).toSorted()).toEqual([
      'ProbeCompleted',
      'ProbeCustomersLate',
      'ProbeFault',
      'ProbeRequest',
    ]);
    const { customer } = await stage.memory();
    expect(lines.join()).not.toContain(customer?.apiKey);
    expect(lines.join()).not.toContain(customer?.email);
  });
});

describe('a release that is wrong', () => {
  it.each([
    [401, 'invalid_api_key'],
    [403, 'account_closed'],
    [422, 'invalid_request'],
  ])('the probe fails when a release answers %i to every key', async (status, code) => {
    stage.release = answering(status, code, RECORD, BILL);
    for (let runs = 0; runs < 5; runs++) {
      const { outcome, findings } = await stage.run();
      expect(outcome).toBe('failed');
      expect(findings.join()).toContain(`expected 200, got ${status} ${code}`);
      stage.nowMs += MINUTE;
    }
    const { lines } = await heard(() => handler());
    expect(countedIn(lines)).toContain('ProbeFailed');
    stage.release = async () => {};
    expect((await stage.run()).outcome).toBe('passed');
  });

  it('the probe fails when one of its calls reaches a canary that refuses it', async () => {
    let billed = 0;
    stage.release = async (call) => {
      if (call !== BILL || ++billed !== 2) return undefined;
      return Response.json({ code: 'invalid_api_key' }, { status: 401 });
    };
    const { customer } = await stage.memory();
    expect((await stage.run()).outcome).toBe('failed');
    expect((await stage.memory()).customer).toEqual(customer);
  });

  it('the probe fails when billing answers 200 but bills again', async () => {
    const { customer } = await stage.memory();
    const body = {
      id: customer?.fixId,
      billing_status: 'billed',
      outcome: 'credit_consumed',
      message: 'Billed',
    };
    stage.release = async (call) => (call === BILL ? Response.json(body) : undefined);
    expect(await stage.run()).toMatchObject({
      outcome: 'failed',
      findings: [expect.stringContaining('got 200 with another message')],
    });
  });

  it('the probe fails when /health is of another stage, or the address does not answer', async () => {
    stage.release = async (call) =>
      call === 'GET /health' ? Response.json({ status: 'ok', stage: 'x' }) : undefined;
    expect((await stage.run()).outcome).toBe('failed');
    stage.release = async () => {};
    const { outcome, findings } = await stage.run({ ask: askAt('http://127.0.0.1:9') });
    expect([outcome, findings.join()]).toEqual(['failed', expect.stringContaining('got no answer')]);
  });

  it('a release that refuses sign-ups fails the probe, and is asked again every 10 minutes', async () => {
    await stage.forget();
    const signUps = [];
    stage.release = answering(422, 'invalid_request', SIGN_UP);
    for (let minute = 0; minute < 21; minute++) {
      const { outcome, calls: made } = await stage.run();
      if (made.includes(SIGN_UP)) signUps.push([minute, outcome]);
      else expect(outcome).toBe('undecided');
      stage.nowMs += MINUTE;
    }
    expect(signUps).toEqual([
      [0, 'failed'],
      [10, 'failed'],
      [20, 'failed'],
    ]);
  });
});

describe('what is no fault of a release', () => {
  it.each([
    [503, 'ledger_unavailable'],
    [429, 'rate_limited'],
  ])(
    'a run that is answered %i neither passes nor fails, so only a lasting outage sounds an alarm',
    async (status, code) => {
      stage.release = answering(status, code, 'GET /health', RECORD, BILL);
      const { lines, result } = await heard(() => handler());
      expect([result.outcome, countedIn(lines)]).toEqual([
        'undecided',
        ['ProbeRequest', 'ProbeFault', 'ProbeCustomersLate'],
      ]);
    },
  );

  it('the 5xx that the probe gets are counted, so that the rates of customers can leave them out', async () => {
    stage.release = answering(503, 'ledger_unavailable', BILL);
    await stage.run();
    stage.release = answering(429, 'rate_limited', BILL);
    const during = stage.reported;
    await stage.run();
    expect([during, stage.reported]).toEqual([
      [expect.objectContaining({ requests: 4, faults: 3 })],
      [expect.objectContaining({ requests: 4, faults: 0 })],
    ]);
  });

  it('a run that is answered too late decides nothing: the table may be slow', async () => {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    stage.release = (call) => (call === BILL ? ended : Promise.resolve());
    const { outcome, findings } = await stage.run({ ask: askAt(stage.url, 300) });
    end();
    expect([outcome, findings.join()]).toEqual(['undecided', expect.stringContaining('got no answer')]);
  });

  it('a run without its parameter still asks for health, and decides nothing', async () => {
    stage.store.refuses = 'ThrottlingException';
    expect(await stage.run()).toMatchObject({ outcome: 'undecided', calls: ['GET /health'] });
    stage.release = answering(500, 'internal_error', 'GET /health');
    expect((await stage.run()).outcome).toBe('failed');
    stage.store.refuses = null;
  });

  it('a connection that breaks once is tried again', async () => {
    let broken = 0;
    stage.release = async (call) => {
      if (call !== BILL || broken++ > 0) return undefined;
      return new Response(new ReadableStream({ start: (stream) => stream.error(new Error('broken')) }));
    };
    expect((await stage.run()).outcome).toBe('passed');
    expect(broken).toBe(4);
  });
});

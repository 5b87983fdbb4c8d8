import { beforeAll, describe, expect, it } from 'vitest';
import { BillingError } from '../../../lib/errors.ts';
import { type Attempt, finishAttempt, IN_FLIGHT_MS } from '../../../lib/operations/payments/attempt.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { StripeFault, type StripeFaultFacts, type StripeFaultKind } from '../../../lib/stripe/fault.ts';
import { KEY_IS_SAFE_MS } from '../../../lib/stripe/port.ts';
import { openMoneyForFile } from '../../support/money.ts';
import { failing } from '../../support/stripe-answers.ts';

/* The one algorithm of all announced payments. Each test checks the steps and their order. */

const ANNOUNCED = Date.parse('2026-01-02T00:00:00.000Z');

let deps: PaymentDeps;
beforeAll(async () => {
  const { money, stop } = await openMoneyForFile();
  deps = money.deps;
  return stop;
});

interface Run {
  readonly steps: readonly string[];
  readonly outcome: string;
}

/** Finishes an attempt of this age with these answers of the steps. */
async function finish(answers: Partial<Attempt<string, string>>, ageMs = IN_FLIGHT_MS): Promise<Run> {
  const steps: string[] = [];
  const step =
    <A extends unknown[], T>(name: string, answer: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> => {
      steps.push(name);
      return answer(...args);
    };
  const attempt: Attempt<string, string> = {
    startedAt: new Date(ANNOUNCED).toISOString(),
    holds: step('holds', answers.holds ?? (async () => true)),
    ask: step('ask', answers.ask ?? (async () => 'asked')),
    find: step('find', answers.find ?? (async () => null)),
    end: step('end', answers.end ?? (async (_, made) => `${made}, ended`)),
    ...(answers.isOnceAtStripe && { isOnceAtStripe: true }),
    settle: async (made) => {
      steps.push('settle');
      return `settled ${made}`;
    },
    close: async (fault) => {
      steps.push(`close ${fault?.kind}`);
    },
    closed: async (fault) => {
      steps.push('closed');
      return `closed ${fault?.kind}`;
    },
  };
  const now = () => new Date(ANNOUNCED + ageMs);
  const outcome = await finishAttempt({ ...deps, now }, attempt).catch((error: unknown) => {
    if (error instanceof BillingError) return error.code;
    return String(error);
  });
  return { steps, outcome };
}

const faulty = (kind: StripeFaultKind, facts: StripeFaultFacts = {}) => ({ ask: failing(kind, facts) });

describe('an announced payment', () => {
  it('an announced payment with an unchanged basis is sent and settled', async () => {
    expect(await finish({})).toEqual({ steps: ['holds', 'ask', 'settle'], outcome: 'settled asked' });
  });

  it('an announced payment is sent up to and including 23 hours after its announcement', async () => {
    expect((await finish({}, KEY_IS_SAFE_MS)).steps).toContain('ask');
  });

  it('once its key is not safe, an announced payment is only looked up, without rechecking its basis', async () => {
    const found = { find: async () => 'found' };
    expect(await finish(found, KEY_IS_SAFE_MS + 1)).toEqual({
      steps: ['find', 'end', 'settle'],
      outcome: 'settled found, ended',
    });
  });

  it('an announced payment that is not found is closed, and nothing is sent', async () => {
    expect(await finish({ holds: async () => false })).toEqual({
      steps: ['holds', 'find', 'close undefined', 'closed'],
      outcome: 'closed undefined',
    });
  });

  it('an announced payment of which nothing is left after ending it is closed', async () => {
    const ended = { holds: async () => false, find: async () => 'found', end: async () => null };
    expect((await finish(ended)).steps).toEqual(['holds', 'find', 'end', 'close undefined', 'closed']);
  });

  it('a payment that may be in flight in another call stays open while it is not found', async () => {
    const changed = { holds: async () => false };
    expect(await finish(changed, IN_FLIGHT_MS - 1)).toEqual({
      steps: ['holds', 'find'],
      outcome: 'payment_pending',
    });
    expect((await finish({ ...changed, find: async () => 'found' }, 0)).outcome).toBe('settled found, ended');
  });

  it('a payment that Stripe makes at most once under any key is closed at once', async () => {
    const once = { holds: async () => false, isOnceAtStripe: true } as const;
    expect((await finish(once, 0)).outcome).toBe('closed undefined');
  });

  it.each(['declined', 'refused', 'misconfigured', 'authentication_required'] as const)(
    'an announced payment that Stripe answers as %s is closed with that fault',
    async (kind) => {
      expect(await finish(faulty(kind))).toEqual({
        steps: ['holds', 'ask', `close ${kind}`, 'closed'],
        outcome: `closed ${kind}`,
      });
    },
  );

  it('an error outside Stripe leaves an announced payment unchanged', async () => {
    const defect = { ask: () => Promise.reject(new Error('a defect')) };
    expect(await finish(defect)).toEqual({ steps: ['holds', 'ask'], outcome: 'Error: a defect' });
  });

  it.each([
    ['Stripe did not take it', faulty('transient', { answered: true })],
    ['Stripe did not answer', faulty('indeterminate', { answered: false })],
    ['nothing is known of the answer', faulty('indeterminate')],
  ])('an announced payment stays open without a look-up if %s', async (_, answers) => {
    expect(await finish({ ...answers, find: async () => 'found' })).toEqual({
      steps: ['holds', 'ask'],
      outcome: 'payment_pending',
    });
  });

  it('after an answer without an outcome, an announced payment is looked up and settled as found', async () => {
    const answers = { ...faulty('indeterminate', { answered: true }), find: async () => 'found' };
    expect(await finish(answers)).toEqual({
      steps: ['holds', 'ask', 'find', 'settle'],
      outcome: 'settled found',
    });
  });

  it('after an answer without an outcome, an announced payment stays open while it is not found', async () => {
    expect(await finish(faulty('indeterminate', { answered: true }))).toEqual({
      steps: ['holds', 'ask', 'find'],
      outcome: 'payment_pending',
    });
  });

  it('an announced payment whose key replays a failure is closed, so that the next one has another key', async () => {
    expect(await finish(faulty('indeterminate', { answered: true, replayed: true }))).toEqual({
      steps: ['holds', 'ask', 'find', 'close undefined'],
      outcome: 'payment_pending',
    });
  });

  it.each(['transient', 'indeterminate'] as const)(
    'an announced payment stays open if a read of it is %s',
    async (kind) => {
      const fails = failing(kind);
      for (const answers of [
        { holds: fails },
        { holds: async () => false, find: fails },
        { holds: async () => false, find: async () => 'found', end: fails },
        { ...faulty('indeterminate', { answered: true }), find: fails },
      ]) {
        const { steps, outcome } = await finish(answers);
        expect(outcome).toBe('payment_pending');
        expect(steps.filter((name) => name.startsWith('close') || name === 'settle')).toEqual([]);
      }
    },
  );

  it('a refused read of an announced payment means misconfigured payments, and our own errors are rethrown', async () => {
    expect((await finish({ holds: failing('misconfigured') })).outcome).toBe('payments_misconfigured');
    const defect = { holds: () => Promise.reject(new Error('a defect')) };
    expect((await finish(defect)).outcome).toBe('Error: a defect');
  });
});

describe('a payment that is pending', () => {
  it('a pending payment has the fault of Stripe as its cause', async () => {
    const fault = new StripeFault('transient');
    const attempt: Attempt<string, string> = {
      startedAt: deps.now().toISOString(),
      holds: async () => true,
      ask: () => Promise.reject(fault),
      find: async () => null,
      end: async () => null,
      settle: async () => '',
      close: async () => {},
      closed: async () => '',
    };
    await expect(finishAttempt(deps, attempt)).rejects.toMatchObject({ cause: fault });
  });
});

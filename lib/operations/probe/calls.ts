import type { ProbeCall } from './ask.ts';
import type { TestCustomer } from './memory.ts';

/* The calls of the probe, as a customer makes them, with the answers that they must get. */

export const health = (stage: string): ProbeCall => ({
  method: 'GET',
  path: '/health',
  isRepeatable: true,
  expects: { status: 200, fields: { status: 'ok', stage } },
});

/** The fix is billed already, so this changes nothing and costs one read. */
export const billAgain = ({ apiKey, fixId }: Pick<TestCustomer, 'apiKey' | 'fixId'>): ProbeCall => ({
  ...bill({ apiKey, fixId }),
  expects: {
    status: 200,
    fields: {
      id: fixId,
      billing_status: 'billed',
      outcome: 'credit_consumed',
      message: 'Already billed',
    },
  },
});

export const signUp = (email: string): ProbeCall => ({
  method: 'POST',
  path: '/api/v1/customers/onboard',
  body: { name: 'Probe', email, source: 'probe' },
  isRepeatable: false,
  expects: { status: 201, texts: ['api_key'] },
});

export const recordFix = (apiKey: string): ProbeCall => ({
  method: 'POST',
  path: '/api/v1/fix-attempts',
  apiKey,
  body: { github_org: 'rsolv-dev', repo_name: 'probe', pr_number: 1 },
  isRepeatable: true,
  expects: { status: 201, fields: { billing_status: 'not_billed' }, texts: ['id'] },
});

/** Repeated after a lost answer, it finds the fix billed, so the message is not compared. */
export const bill = ({ apiKey, fixId }: Pick<TestCustomer, 'apiKey' | 'fixId'>): ProbeCall => ({
  method: 'POST',
  path: `/api/v1/fix-attempts/${encodeURIComponent(fixId)}/billing`,
  apiKey,
  isRepeatable: true,
  expects: { status: 200, fields: { id: fixId, billing_status: 'billed', outcome: 'credit_consumed' } },
});

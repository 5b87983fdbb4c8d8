import type { Customer } from './customer.ts';
import type { Step } from './step.ts';

/** Five credits, and no card. */
export function trialSteps(customer: Customer): Step[] {
  const { api } = customer;
  const firstKey = { id: '', key: '' };
  return [
    {
      what: 'Sign up: the trial grants five credits',
      run: async () => {
        const answer = await customer.signUp();
        firstKey.id = answer.text('api_key_id');
        firstKey.key = api.apiKey;
        return answer;
      },
      status: 201,
      balance: 5,
    },
    {
      what: 'The same address again, in capitals: taken',
      run: () => customer.signUp(customer.email.toUpperCase()),
      status: 409,
      balance: 5,
      says: { code: 'email_taken' },
    },
    {
      what: 'RSOLV-action opens a pull request',
      run: () => customer.record(1),
      status: 201,
      balance: 5,
      says: { status: 'pending', billing_status: 'not_billed' },
    },
    {
      what: 'The same pull request again: the stored one',
      run: () => customer.record(1),
      status: 200,
      balance: 5,
    },
    {
      what: 'Merged: the fix costs one credit',
      run: () => customer.billNext(),
      status: 200,
      balance: 4,
      says: { message: 'Billed', outcome: 'credit_consumed' },
    },
    {
      what: 'Reported ten times more, at once: nothing happens',
      run: async () => {
        const answers = await Promise.all(Array.from({ length: 10 }, () => customer.bill(1)));
        return answers.find((answer) => answer.field('message') !== 'Already billed') ?? api.last(answers);
      },
      status: 200,
      balance: 4,
      says: { message: 'Already billed' },
    },
    {
      what: 'A second API key',
      run: async () => {
        const answer = await api.post('/api/v1/api-keys');
        api.apiKey = answer.text('api_key');
        return answer;
      },
      status: 201,
      balance: 4,
    },
    {
      what: 'The first key is revoked with it',
      run: () => api.delete(`/api/v1/api-keys/${firstKey.id}`),
      status: 200,
      balance: 4,
    },
    {
      what: 'The first key stopped working',
      run: () => api.get('/api/v1/usage', firstKey.key),
      status: 401,
      balance: 4,
      says: { code: 'invalid_api_key' },
    },
    {
      what: 'The last four credits, all at once',
      run: async () => api.last(await Promise.all(Array.from({ length: 4 }, () => customer.billNext()))),
      status: 200,
      balance: 0,
    },
    {
      what: 'No credits, no card: blocked, and nothing is owed',
      run: () => customer.billNext(),
      status: 402,
      balance: 0,
      says: { code: 'no_billing_info' },
    },
  ];
}

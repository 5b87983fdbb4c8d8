import type { Customer } from './customer.ts';
import type { Step } from './step.ts';

/** A trial with five credits and no card. */
export function trialSteps(customer: Customer): Step[] {
  const { api } = customer;
  const firstKey = { id: '', key: '' };
  return [
    {
      title: 'Sign up: the trial grants five credits',
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
      title: 'The same address again, in upper case: rejected',
      run: () => customer.signUp(customer.email.toUpperCase()),
      status: 409,
      balance: 5,
      fields: { code: 'email_taken' },
    },
    {
      title: 'RSOLV-action opens a pull request',
      run: () => customer.record(1),
      status: 201,
      balance: 5,
      fields: { status: 'pending', billing_status: 'not_billed' },
    },
    {
      title: 'The same pull request again: the stored fix attempt is returned',
      run: () => customer.record(1),
      status: 200,
      balance: 5,
    },
    {
      title: 'Merged: the fix costs one credit',
      run: () => customer.billNext(),
      status: 200,
      balance: 4,
      fields: { message: 'Billed', outcome: 'credit_consumed' },
    },
    {
      title: 'Reported ten more times concurrently: no effect',
      run: async () => {
        const answers = await Promise.all(Array.from({ length: 10 }, () => customer.bill(1)));
        return answers.find((answer) => answer.field('message') !== 'Already billed') ?? api.last(answers);
      },
      status: 200,
      balance: 4,
      fields: { message: 'Already billed' },
    },
    {
      title: 'A second API key',
      run: async () => {
        const answer = await api.post('/api/v1/api-keys');
        api.apiKey = answer.text('api_key');
        return answer;
      },
      status: 201,
      balance: 4,
    },
    {
      title: 'The second key revokes the first',
      run: () => api.delete(`/api/v1/api-keys/${firstKey.id}`),
      status: 200,
      balance: 4,
    },
    {
      title: 'The first key no longer works',
      run: () => api.get('/api/v1/usage', firstKey.key),
      status: 401,
      balance: 4,
      fields: { code: 'invalid_api_key' },
    },
    {
      title: 'The last four credits, used concurrently',
      run: async () => api.last(await Promise.all(Array.from({ length: 4 }, () => customer.billNext()))),
      status: 200,
      balance: 0,
    },
    {
      title: 'No credits, no card: blocked, and nothing is owed',
      run: () => customer.billNext(),
      status: 402,
      balance: 0,
      fields: { code: 'no_billing_info' },
    },
  ];
}

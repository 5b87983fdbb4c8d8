import * as z from 'zod/mini';
import { type Contract, described, nothing } from '../contract.ts';

export const healthContract = {
  operationId: 'health',
  method: 'GET',
  path: '/health',
  tag: 'Service',
  summary: 'Is the service well?',
  description: 'Reads from the table and says how long that took. 503 when the table does not answer.',
  access: 'public',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: {
    200: {
      description: 'All is well.',
      schema: z.object({
        status: z.literal('ok'),
        stage: z.string(),
        table: z.object({ latency_ms: described(z.number(), 'Milliseconds for one consistent read.', 4) }),
      }),
    },
  },
  problems: ['ledger_unavailable'],
} as const satisfies Contract;

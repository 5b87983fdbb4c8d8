import * as z from 'zod/mini';
import { type Contract, described, nothing } from '../contract.ts';

const HealthView = described(
  z.object({
    status: z.literal('ok'),
    stage: described(z.string(), 'The deployment that responded.'),
    table: z.object({ latency_ms: described(z.number(), 'Milliseconds for one consistent read.') }),
  }),
  'The state of the service.',
  { status: 'ok', stage: 'prod', table: { latency_ms: 4 } },
);

export const healthContract = {
  operationId: 'health',
  method: 'GET',
  path: '/health',
  tag: 'Service',
  summary: 'Health check',
  description: 'Reads from the table and returns the latency. 503 if the table does not respond.',
  access: 'public',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 200: { description: 'The service is healthy.', schema: HealthView } },
  problems: ['ledger_unavailable'],
} as const satisfies Contract;

export const getOpenapiContract = {
  operationId: 'getOpenapi',
  method: 'GET',
  path: '/openapi.json',
  tag: 'Service',
  summary: 'OpenAPI document',
  description: 'For code generators and API clients. Generated from the schemas that validate the requests.',
  access: 'public',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: {
    200: {
      description: 'The OpenAPI document.',
      schema: z.looseObject({ openapi: described(z.string(), 'Version of OpenAPI.') }),
    },
  },
  problems: [],
} as const satisfies Contract;

export const getDocsContract = {
  operationId: 'getDocs',
  method: 'GET',
  path: '/docs',
  tag: 'Service',
  summary: 'Documentation page',
  description: 'The same document as a page. The `type` of every problem links to its explanation there.',
  access: 'public',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 200: { description: 'The page.', schema: z.string() } },
  problems: [],
} as const satisfies Contract;

export const getRootContract = {
  operationId: 'getRoot',
  method: 'GET',
  path: '/',
  tag: 'Service',
  summary: 'Redirect to the documentation',
  description: 'Redirects browsers that open the bare host to `/docs`.',
  access: 'public',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 302: { description: 'The page is at `location`.', schema: z.string() } },
  problems: [],
} as const satisfies Contract;

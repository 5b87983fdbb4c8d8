import document from '../docs/openapi.json' with { type: 'json' };
import { getOpenapiContract } from '../lib/http/contracts/service.ts';
import { staticEndpoint } from '../lib/http/static-endpoint.ts';

/** GET /openapi.json */
export const handler = staticEndpoint(getOpenapiContract, document);

import { getRootContract } from '../lib/http/contracts/service.ts';
import { redirectEndpoint } from '../lib/http/static-endpoint.ts';

/** GET / */
export const handler = redirectEndpoint(getRootContract, '/docs');

import { BillingError } from '../lib/errors.ts';
import { healthContract } from '../lib/http/contracts/service.ts';
import { publicEndpoint } from '../lib/http/endpoint.ts';
import { checkHealth } from '../lib/runtime/check-health.ts';

/** GET /health */
export const handler = publicEndpoint(healthContract, async (deps) => {
  const { reachable, latencyMs } = await checkHealth(deps);
  if (!reachable)
    throw new BillingError('ledger_unavailable', `The table did not answer within ${latencyMs} ms.`);
  return { status: 200, body: { status: 'ok', stage: deps.stage, table: { latency_ms: latencyMs } } };
});

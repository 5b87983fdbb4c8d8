import { BillingError } from '../lib/errors.ts';
import { healthContract } from '../lib/http/contracts/service.ts';
import { publicEndpoint } from '../lib/http/endpoint.ts';
import { checkHealth } from '../lib/runtime/check-health.ts';

/** GET /health */
export const handler = publicEndpoint(healthContract, async (deps) => {
  const { failure, latencyMs } = await checkHealth(deps);
  if (failure !== null)
    throw new BillingError(
      'ledger_unavailable',
      `Reading the table failed after ${latencyMs} ms.`,
      {},
      failure,
    );
  return { status: 200, body: { status: 'ok', stage: deps.stage, table: { latency_ms: latencyMs } } };
});

import { createBillingLinkContract } from '../lib/http/contracts/customers.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { enterUrl, makeSignInLink } from '../lib/operations/access/sign-in.ts';
import { parseApiUrl } from '../lib/settings/mail.ts';

/** POST /api/v1/billing-links */
export const handler = customerEndpoint(
  createBillingLinkContract,
  () => [],
  async (deps, { customerId, origin: { keyId } }) => {
    const apiUrl = parseApiUrl(process.env);
    const { token, validUntil } = await makeSignInLink(deps, customerId, { keyId });
    return { status: 201, body: { url: enterUrl(apiUrl, token), expires_at: validUntil.toISOString() } };
  },
);

import type Stripe from 'stripe';
import { discard } from './discard.ts';

type HttpClient = NonNullable<Stripe.StripeConfig['httpClient']>;

type RequestHeaders = Parameters<HttpClient['makeRequest']>[4];

/** Returns a newer key than the refused one; undefined if there is none. */
export type NewerKey = (refused: string) => Promise<string | undefined>;

/**
 * Sends a request again with the newer key if Stripe refuses the old one with 401. Stripe did nothing for a
 * refused key, so a repeat is safe.
 */
export function retryRotatedKey(client: HttpClient, secretKey: string, newerKey: NewerKey): HttpClient {
  return {
    getClientName: () => client.getClientName(),
    async makeRequest(...request) {
      const response = await client.makeRequest(...request);
      if (response.getStatusCode() !== 401) return response;
      const newer = await newerKey(secretKey);
      if (newer === undefined) return response;
      await discard(response);
      const [host, port, path, method, headers, ...rest] = request;
      return client.makeRequest(host, port, path, method, withKey(headers, newer), ...rest);
    },
  };
}

const withKey = (headers: RequestHeaders, key: string): RequestHeaders => ({
  ...Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization')),
  Authorization: `Bearer ${key}`,
});

import { describe, expect, it } from 'vitest';
import { retryRotatedKey } from '../../lib/stripe/rotated-key.ts';

type Client = Parameters<typeof retryRotatedKey>[0];

/** A server that accepts one key and answers 401 to all others. */
function accepting(valid: string) {
  const keys: unknown[] = [];
  const client: Client = {
    getClientName: () => 'accepts one key',
    makeRequest: async (_host, _port, _path, _method, headers) => {
      const { Authorization: authorization, ...rest } = { ...headers };
      keys.push(authorization);
      expect(rest).toEqual({ 'Idempotency-Key': 'one' });
      return {
        getStatusCode: () => (authorization === `Bearer ${valid}` ? 200 : 401),
        getHeaders: () => ({}),
        getRawResponse: () => null,
        toStream: () => null,
        toJSON: async () => ({}),
      };
    },
  };
  const statusWith = async (newer: string | undefined) => {
    const retrying = retryRotatedKey(client, 'sk_test_old', async (refused) => {
      expect(refused).toBe('sk_test_old');
      return newer;
    });
    const headers = { Authorization: 'Bearer sk_test_old', 'Idempotency-Key': 'one' };
    return (
      await retrying.makeRequest('host', '443', '/v1/x', 'POST', headers, '', 'https', 1_000)
    ).getStatusCode();
  };
  return { statusWith, keys };
}

describe('a request with a key that Stripe refuses', () => {
  it('a request is sent again with the newer key, under the same idempotency key', async () => {
    const { statusWith, keys } = accepting('sk_test_new');
    expect(await statusWith('sk_test_new')).toBe(200);
    expect(keys).toEqual(['Bearer sk_test_old', 'Bearer sk_test_new']);
  });

  it('a request is sent once if there is no newer key', async () => {
    const { statusWith, keys } = accepting('sk_test_new');
    expect(await statusWith(undefined)).toBe(401);
    expect(keys).toHaveLength(1);
  });

  it('a request is sent once if its key is accepted', async () => {
    const { statusWith, keys } = accepting('sk_test_old');
    expect(await statusWith('sk_test_new')).toBe(200);
    expect(keys).toHaveLength(1);
  });

  it('a newer key that is refused too is not followed by a third request', async () => {
    const { statusWith, keys } = accepting('sk_test_other');
    expect(await statusWith('sk_test_new')).toBe(401);
    expect(keys).toHaveLength(2);
  });

  it('a newer key replaces the refused one, however the header is spelled', async () => {
    const sent: unknown[] = [];
    const client: Client = {
      getClientName: () => 'refuses every key',
      makeRequest: async (_host, _port, _path, _method, headers) => {
        sent.push(headers);
        return {
          getStatusCode: () => 401,
          getHeaders: () => ({}),
          getRawResponse: () => null,
          toStream: () => null,
          toJSON: async () => ({}),
        };
      },
    };
    const retrying = retryRotatedKey(client, 'sk_test_old', async () => 'sk_test_new');
    const headers = { authorization: 'Bearer sk_test_old', Accept: 'application/json' };
    await retrying.makeRequest('host', '443', '/v1/x', 'GET', headers, '', 'https', 1_000);
    expect(sent).toEqual([headers, { Accept: 'application/json', Authorization: 'Bearer sk_test_new' }]);
  });

  it('a client that retries with a newer key keeps its name', () => {
    const client: Client = { getClientName: () => 'a name', makeRequest: () => Promise.reject(new Error()) };
    const retrying = retryRotatedKey(client, 'sk_test_old', async () => undefined);
    expect(retrying.getClientName()).toBe('a name');
  });
});

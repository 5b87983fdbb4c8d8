import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bypassProxyForLoopback } from '../../cli/stage/loopback.ts';
import { relayFromIpv6 } from '../../local/stack/ipv6-loopback.ts';
import { assertPortFree, freePort } from '../../local/stack/ports.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);

/** A service that answers with the request's Host header. */
async function serviceOn(host: string): Promise<number> {
  const server = createServer((request, response) => response.end(request.headers.host)).listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('the ports of a local stack', () => {
  it.each(['PORT', 'STRIPE_PORT', 'MAILBOX_PORT', 'DEBUG_PORT'] as const)(
    'a busy %s is refused in one line that names the setting',
    async (setting) => {
      const port = await serviceOn('127.0.0.1');
      await expect(assertPortFree(port, setting)).rejects.toThrow(
        `Port ${port} is in use. Stop its program, or choose another port: ${setting}=${port + 1} npm start`,
      );
    },
  );

  it.runIf(hasIpv6)('a port that is in use only on ::1 counts as busy', async () => {
    const port = await serviceOn('::1');
    await expect(assertPortFree(port)).rejects.toThrow(`Port ${port} is in use.`);
    expect(await freePort(port)).not.toBe(port);
  });

  it.runIf(hasIpv6)('the relay makes a service on 127.0.0.1 answer on ::1 too', async () => {
    const port = await serviceOn('127.0.0.1');
    const relay = await relayFromIpv6(port);
    expect(await (await fetch(`http://[::1]:${port}/`)).text()).toBe(`[::1]:${port}`);
    await relay.stop();
    await expect(fetch(`http://[::1]:${port}/`)).rejects.toThrow('fetch failed');
  });

  it.runIf(hasIpv6)('another program on ::1 does not prevent a start on 127.0.0.1', async () => {
    const relay = await relayFromIpv6(await serviceOn('::1'));
    await expect(relay.stop()).resolves.toBeUndefined();
  });
});

describe('a proxy in the environment', () => {
  it('a proxy is bypassed for this machine and for hosts that were exempt before', () => {
    const env: NodeJS.ProcessEnv = { NODE_USE_ENV_PROXY: '1', NO_PROXY: 'corp.example, localhost' };
    bypassProxyForLoopback(env);
    expect(env['no_proxy']).toBe('corp.example,localhost,127.0.0.1,::1,[::1]');
    expect(env['NO_PROXY']).toBe(env['no_proxy']);
  });

  it('a proxy that is exempt for every host stays unused', () => {
    const env: NodeJS.ProcessEnv = { no_proxy: '*' };
    bypassProxyForLoopback(env);
    expect(env).toEqual({ no_proxy: '*' });
  });
});

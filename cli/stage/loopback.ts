const LOOPBACK = ['localhost', '127.0.0.1', '::1', '[::1]'] as const;

/**
 * Makes this process, and its child processes, send requests to this machine without a proxy. With
 * NODE_USE_ENV_PROXY, Node would otherwise send them to the proxy in HTTP_PROXY.
 */
export function bypassProxyForLoopback(env: NodeJS.ProcessEnv): void {
  const exempt = (env['no_proxy'] || env['NO_PROXY'] || '').split(',').map((host) => host.trim());
  if (exempt.includes('*')) return;
  const all = [...new Set([...exempt, ...LOOPBACK])].filter(Boolean).join(',');
  // Both names are set, because Node reads the lower-case one first.
  env['no_proxy'] = all;
  env['NO_PROXY'] = all;
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1', '[::1]'] as const;

/**
 * Requests of this process, and of those it starts, to this machine use no proxy. With NODE_USE_ENV_PROXY Node sends every
 * other request to the proxy that HTTP_PROXY names.
 */
export function bypassProxyForLoopback(env: NodeJS.ProcessEnv): void {
  const exempt = (env['no_proxy'] || env['NO_PROXY'] || '').split(',').map((host) => host.trim());
  if (exempt.includes('*')) return;
  const all = [...new Set([...exempt, ...LOOPBACK])].filter(Boolean).join(',');
  // Node reads the lower-case name first.
  env['no_proxy'] = all;
  env['NO_PROXY'] = all;
}

import { Parameters } from '../settings/parameters.ts';
import type { Deps } from './deps.ts';
import { noteCall } from './request-scope.ts';

/** One per environment, and so one per running function. */
const parameters = new WeakMap<NodeJS.ProcessEnv, Parameters>();

/** The parameters of a running function. All its requests share the cached values. */
export function parametersOf({ now, random, sleep, report }: Deps, env: NodeJS.ProcessEnv): Parameters {
  const known = parameters.get(env);
  if (known !== undefined) return known;
  const opened = new Parameters(env, {
    nowMs: () => now().getTime(),
    random,
    sleep,
    onRead: (ms) => noteCall('ssm', ms),
    onStale: (parameter, error) => report({ kind: 'parameter_stale', parameter, error }),
  });
  parameters.set(env, opened);
  return opened;
}

import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { PROJECT_ROOT } from '../../../cli/stage/serverless-file.ts';
import type { BundlePlan } from '../../budgets/bundle-functions.ts';

/*
 * Functions as they were before the SDK was used through its extension points: with the document client, the
 * SDK's own HTTP and Powertools. The files beside this one are the modules of that time, unchanged. So one run
 * can compare a function with its earlier self, with the same rules and the same load of the machine.
 */

const FOLDER = import.meta.dirname;
/** Today's modules and their earlier versions in this folder. */
const EARLIER: ReadonlyMap<string, string> = new Map(
  [
    ['lib/store/table.ts', 'table.ts'],
    ['lib/store/paging.ts', 'paging.ts'],
    ['lib/settings/signed-call.ts', 'signed-call.ts'],
    ['lib/runtime/observe.ts', 'observe.ts'],
    ['lib/mail/layout.ts', 'layout.ts'],
  ].map(([now = '', then = '']) => [join(PROJECT_ROOT, now), join(FOLDER, then)]),
);
/** Steps of the build that did not exist. */
const LATER_PLUGINS: ReadonlySet<string> = new Set(['http-without-fetch', 'without-unreached']);
const LATER_EXCLUSIONS: ReadonlySet<string> = new Set(['@smithy/core/event-streams']);

const withEarlierModules: Plugin = {
  name: 'with-earlier-modules',
  setup({ onResolve }) {
    onResolve({ filter: /\.ts$/ }, ({ path, resolveDir }) => {
      const then = EARLIER.get(join(resolveDir, path));
      return then === undefined ? undefined : { path: then };
    });
  },
};

/** The plan of the same functions as they were. */
export function earlierPlan(plan: BundlePlan): BundlePlan {
  const { plugins = [], external = [] } = plan.options;
  return {
    ...plan,
    nodeOptions: '--enable-source-maps',
    options: {
      ...plan.options,
      plugins: [withEarlierModules, ...plugins.filter(({ name }) => !LATER_PLUGINS.has(name))],
      external: external.filter((name) => !LATER_EXCLUSIONS.has(name)),
    },
  };
}

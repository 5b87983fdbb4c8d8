import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/** A source map that maps all of a file to one place. */
const ONE_PLACE = Buffer.from('{"version":3,"sources":["library"],"mappings":"AAAA"}').toString('base64');

/**
 * Leaves libraries out of the source maps. Node reads the whole map when it loads a bundle, which took a sixth of a cold
 * start; what a stack trace is read for is our own code.
 */
const mapOwnCodeOnly: Plugin = {
  name: 'map-own-code-only',
  setup(build) {
    build.onLoad({ filter: /[\\/]node_modules[\\/].*\.m?js$/ }, async ({ path }) => {
      const code = await readFile(path, 'utf8');
      return {
        contents: `${code}\n//# sourceMappingURL=data:application/json;base64,${ONE_PLACE}`,
        loader: 'default',
      };
    });
  },
};

/** Each file of a library passes through here, for each function: on one machine a quick start is worth more. */
const isLocal = process.env['LOCAL_BUILD_FOLDER'] !== undefined;

export default isLocal ? [] : [mapOwnCodeOnly];

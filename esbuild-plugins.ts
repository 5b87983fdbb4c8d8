import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';

/** A source map that maps a whole file to one place. */
const ONE_PLACE = Buffer.from('{"version":3,"sources":["library"],"mappings":"AAAA"}').toString('base64');

/**
 * Leaves libraries out of the source maps. Node reads the whole map when it loads a bundle, which took a
 * sixth of a cold start. In a stack trace, only our own code matters.
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

/** Products of Stripe that this service does not use. Their clients are a third of the SDK. */
const OTHER_PRODUCTS =
  'Apps|Climate|Entitlements|FinancialConnections|Forwarding|Identity|Issuing|Reporting|Sigma|Terminal|' +
  'TestHelpers|Treasury';

/**
 * Replaces the clients of these products by empty classes. The SDK creates an object of each when it starts.
 */
const withoutOtherProducts: Plugin = {
  name: 'without-other-products',
  setup(build) {
    const filter = new RegExp(
      `[\\\\/]stripe[\\\\/]esm[\\\\/]resources[\\\\/](?:${OTHER_PRODUCTS})[\\\\/].*\\.js$`,
    );
    build.onLoad({ filter }, async ({ path }) => {
      const code = await readFile(path, 'utf8');
      const classes = [...code.matchAll(/^export class (\w+)/gm)].map(
        ([, name]) => `export class ${name} {}`,
      );
      return { contents: classes.join('\n'), loader: 'js' };
    });
  },
};

/**
 * Names the files of lazy imports after their bundle (`splitting` in serverless.yml), because
 * serverless-esbuild packs a file with the function whose name the file begins with. These files are read
 * only when first needed.
 */
const nameAfterBundle: Plugin = {
  name: 'name-after-bundle',
  setup({ initialOptions }) {
    initialOptions.chunkNames = `${bundleName(initialOptions)}.[name]-[hash]`;
  },
};

function bundleName({ entryPoints, entryNames }: BuildOptions): string {
  const [entry, ...more] = Array.isArray(entryPoints) ? entryPoints : [];
  if (more.length > 0) throw new Error('A bundle must have one function');
  if (typeof entry === 'string') return basename(entry, extname(entry));
  if (entryNames === undefined) throw new Error('The bundle has no name');
  return entryNames;
}

/**
 * The local stack does not bundle libraries. Its functions share one process, so they load each installed
 * library once. Bundling the libraries took two thirds of the stack's start.
 */
const librariesAsInstalled: Plugin = {
  name: 'libraries-as-installed',
  setup({ initialOptions }) {
    initialOptions.packages = 'external';
    // A debugger shows names as they are in the source.
    initialOptions.minify = false;
  },
};

const isLocal = process.env['LOCAL_BUILD_FOLDER'] !== undefined;

export default isLocal
  ? [nameAfterBundle, librariesAsInstalled]
  : [nameAfterBundle, withoutOtherProducts, mapOwnCodeOnly];

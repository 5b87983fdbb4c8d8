import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';

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

/** Products of Stripe that this service has nothing to do with. Their clients are a third of the SDK. */
const OTHER_PRODUCTS =
  'Apps|Climate|Entitlements|FinancialConnections|Forwarding|Identity|Issuing|Reporting|Sigma|Terminal|TestHelpers|Treasury';

/** Leaves the SDK's clients of these products empty. The SDK makes an object of each when it starts, and no call is left in it. */
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
 * What a function imports when it is first needed lies in files beside its bundle, which are not read before (`splitting`
 * in serverless.yml). Named after the bundle, for serverless-esbuild packs a file with the function whose name it begins with.
 */
const nameAfterBundle: Plugin = {
  name: 'name-after-bundle',
  setup({ initialOptions }) {
    initialOptions.chunkNames = `${bundleName(initialOptions)}.[name]-[hash]`;
  },
};

function bundleName({ entryPoints, entryNames }: BuildOptions): string {
  const [entry, ...more] = Array.isArray(entryPoints) ? entryPoints : [];
  if (more.length > 0) throw new Error('A bundle is of one function');
  if (typeof entry === 'string') return basename(entry, extname(entry));
  if (entryNames === undefined) throw new Error('A bundle without a name');
  return entryNames;
}

/**
 * The local stack takes libraries from where they are installed: its functions share one process, so each library is read once
 * for all of them, where a bundle has it once for each. Bundling them took two thirds of the stack's start.
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

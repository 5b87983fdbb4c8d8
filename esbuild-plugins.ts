import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';

/** A source map that maps a whole file to one place. */
const ONE_PLACE = Buffer.from('{"version":3,"sources":["library"],"mappings":"AAAA"}').toString('base64');

/**
 * Leaves libraries out of the source maps, which a function reads for its first error. In a stack trace, only
 * our own code matters.
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

/**
 * Gives libraries Node's HTTP without an import of it. An import reads every property of the module, and one
 * of them loads Node's `fetch`, which takes 36 ms of processor time.
 */
const httpWithoutFetch: Plugin = {
  name: 'http-without-fetch',
  setup(build) {
    const namespace = 'built-in';
    build.onResolve({ filter: /^(?:node:)?https?$/ }, ({ path }) => {
      return { path: path.replace(/^(?:node:)?/, 'node:'), namespace };
    });
    build.onLoad({ filter: /./, namespace }, ({ path }) => {
      return { contents: `module.exports = process.getBuiltinModule('${path}');`, loader: 'js' };
    });
  },
};

/**
 * Parts of the SDK that its client imports, but that no function reaches, and what stands for them. The
 * service has its own HTTP and its own endpoint; on Lambda, credentials and region are in the environment.
 */
const UNREACHED: readonly (readonly [path: string, standIn: string])[] = [
  [
    '@smithy/node-http-handler/dist-es/index.js',
    'export const NodeHttpHandler = { create: (handler) => handler }; ' +
      'export const streamCollector = undefined;',
  ],
  [
    '@aws-sdk/middleware-endpoint-discovery/dist-es/index.js',
    'export const resolveEndpointDiscoveryConfig = (config) => config;' +
      'export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = {};',
  ],
  [
    '@aws-sdk/credential-provider-node/dist-es/index.js',
    "export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';",
  ],
  [
    '@aws-sdk/client-dynamodb/dist-es/endpoint/endpointResolver.js',
    'export const defaultEndpointResolver = undefined;',
  ],
  [
    '@aws-sdk/core/dist-es/submodules/client/util-endpoints/lib/aws/partitions.js',
    'export const partitionsInfo = { partitions: [] };',
  ],
  [
    '@aws-sdk/core/dist-es/submodules/client/middleware-user-agent/user-agent-middleware.js',
    'export const getUserAgentPlugin = () => ({ applyToStack() {} });' +
      'export const getUserAgentMiddlewareOptions = {}; export const userAgentMiddleware = undefined;',
  ],
  [
    '@aws-sdk/core/dist-es/submodules/client/middleware-recursion-detection/getRecursionDetectionPlugin.js',
    'export const getRecursionDetectionPlugin = () => ({ applyToStack() {} });',
  ],
  [
    '@smithy/core/dist-es/submodules/retry/util-retry/AdaptiveRetryStrategy.js',
    'export const AdaptiveRetryStrategy = undefined;',
  ],
  [
    '@smithy/core/dist-es/submodules/config/config-resolver/regionConfig/getInstanceMetadataRegion.js',
    'export const getInstanceMetadataRegion = async () => undefined;',
  ],
  [
    '@aws-sdk/core/dist-es/submodules/client/middleware-logger/loggerMiddleware.js',
    'export const getLoggerPlugin = () => ({ applyToStack() {} }); ' +
      'export const loggerMiddleware = undefined; export const loggerMiddlewareOptions = {};',
  ],
  [
    '@smithy/core/dist-es/submodules/endpoints/middleware-endpoint/service-customizations/index.js',
    'export const resolveParamsForS3 = async (parameters) => parameters;',
  ],
  ['@smithy/core/dist-es/submodules/checksum/sha256/Sha256Js.js', 'export const Sha256Js = undefined;'],
  ['@aws-sdk/client-dynamodb/package.json', 'export default { version: undefined };'],
];

const withoutUnreached: Plugin = {
  name: 'without-unreached',
  setup(build) {
    for (const [path, standIn] of UNREACHED) {
      const filter = new RegExp(`[\\\\/]node_modules[\\\\/]${path.replaceAll('/', '[\\\\/]')}$`);
      build.onLoad({ filter }, () => ({ contents: standIn, loader: 'js' }));
    }
  },
};

/**
 * Products of Stripe that this service does not use, and objects of the others. Their clients are half of the
 * SDK. A call of one of them fails in a bundle: test/architecture.test.ts looks for such calls.
 */
export const UNUSED_PRODUCTS = [
  ...['Apps', 'Climate', 'Entitlements', 'FinancialConnections', 'Forwarding', 'Identity', 'Issuing'],
  ...['ProductCatalog', 'Radar', 'Reporting', 'Reserve', 'Sigma', 'Tax', 'Terminal', 'TestHelpers'],
  ...['Treasury', 'V2'],
];
export const UNUSED_OBJECTS = [
  ...['AccountLinks', 'AccountSessions', 'Accounts', 'ApplePayDomains', 'ApplicationFees', 'BalanceSettings'],
  ...[
    'ConfirmationTokens',
    'CountrySpecs',
    'CustomerSessions',
    'EphemeralKeys',
    'ExchangeRates',
    'FileLinks',
  ],
  ...['Files', 'InvoiceItems', 'InvoiceRenderingTemplates', 'Mandates', 'PaymentAttemptRecords'],
  ...['PaymentLinks', 'PaymentMethodConfigurations', 'PaymentMethodDomains', 'PaymentRecords', 'Payouts'],
  ...['Plans', 'PromotionCodes', 'Quotes', 'Reviews', 'SetupAttempts', 'ShippingRates', 'SubscriptionItems'],
  ...['SubscriptionSchedules', 'TaxCodes', 'TaxIds', 'TaxRates', 'Tokens', 'Topups', 'Transfers'],
];

/**
 * Replaces these clients, and the reader of events that only Stripe's newer API sends, by empty classes. The
 * SDK creates an object of each client when it starts.
 */
const withoutOtherProducts: Plugin = {
  name: 'without-other-products',
  setup(build) {
    const resources = `resources/(?:(?:${UNUSED_PRODUCTS.join('|')})/.*|${UNUSED_OBJECTS.join('|')})`;
    const path = `stripe/esm/(?:${resources}|StripeEventNotificationHandler)\\.js$`;
    const filter = new RegExp(`/node_modules/${path}`.replaceAll('/', '[\\\\/]'));
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
  : [nameAfterBundle, httpWithoutFetch, withoutUnreached, withoutOtherProducts, mapOwnCodeOnly];

import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join } from 'node:path';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import plugins from '../../esbuild-plugins.ts';

/* Bundles the functions like `serverless package`, with the options of serverless.yml, but packs nothing. */

/** Options that serverless-esbuild consumes. esbuild gets all others, and rejects unknown options. */
const PLUGIN_OPTIONS: ReadonlySet<string> = new Set([
  'concurrency',
  'disposeContext',
  'exclude',
  'installExtraArgs',
  'keepOutputDirectory',
  'nativeZip',
  'nodeExternals',
  'outputBuildFolder',
  'outputFileExtension',
  'outputWorkFolder',
  'packagePath',
  'packager',
  'packagerOptions',
  'skipBuild',
  'skipBuildExcludeFns',
  'skipRebuild',
  'stripEntryResolveExtensions',
  'watch',
  'zipConcurrency',
]);

const ServerlessFile = z.object({
  provider: z.object({ environment: z.object({ NODE_OPTIONS: z.optional(z.string()) }) }),
  custom: z.object({
    esbuild: z.looseObject({
      exclude: z.array(z.string()),
      outputFileExtension: z.enum(['.js', '.mjs', '.cjs']),
    }),
  }),
  functions: z.record(
    z.string(),
    z.object({
      handler: z.string(),
      events: z.array(
        z.looseObject({ httpApi: z.optional(z.object({ method: z.string(), path: z.string() })) }),
      ),
      package: z.optional(z.object({ patterns: z.array(z.string()) })),
    }),
  ),
});

interface Route {
  readonly method: string;
  readonly path: string;
}

export interface BundlePlan {
  readonly options: BuildOptions;
  /** Packages that are excluded from every bundle. */
  readonly excluded: readonly string[];
  /** Node's options when it runs a function. */
  readonly nodeOptions: string;
  readonly functions: readonly PlannedFunction[];
}

export interface PlannedFunction {
  readonly name: string;
  readonly entry: string;
  /** The first of its routes. Null for a function that answers no requests. */
  readonly routeKey: string | null;
  /** Files that are packed unchanged beside the bundle. */
  readonly patterns: readonly string[];
}

export interface Bundle {
  /** The entry file of the bundle. */
  readonly file: string;
  /** The entry file and the files that it imports later, relative to its folder. */
  readonly files: readonly string[];
  /** Size of all files. */
  readonly bytes: number;
  /** Size of the files that are read at start. The others load on first use. */
  readonly bytesAtStart: number;
  /** Bytes of each source file in the bundle, without files that are removed completely. */
  readonly bytesBySource: ReadonlyMap<string, number>;
  /** Packages that the bundle loads at run time. `atStart`: the bundle cannot start without the package. */
  readonly asksFor: readonly { readonly name: string; readonly atStart: boolean }[];
}

export function readBundlePlan(): BundlePlan {
  const text = readFileSync(join(PROJECT_ROOT, 'serverless.yml'), 'utf8');
  // CloudFormation tags such as !Sub are ignored: no value that has one is read here.
  const { provider, custom, functions } = ServerlessFile.parse(parse(text, { logLevel: 'error' }));
  const { exclude, outputFileExtension } = custom.esbuild;
  const forEsbuild = Object.entries(custom.esbuild).filter(([name]) => !PLUGIN_OPTIONS.has(name));
  return {
    options: {
      ...Object.fromEntries(forEsbuild),
      external: exclude,
      plugins,
      outExtension: { '.js': outputFileExtension },
      absWorkingDir: PROJECT_ROOT,
      metafile: true,
    },
    excluded: exclude,
    nodeOptions: provider.environment.NODE_OPTIONS ?? '',
    functions: Object.entries(functions).map(([name, { handler, events, package: packed }]) => ({
      name,
      routeKey: routeKeyOf(events),
      entry: handler.replace(/\.[^./]+$/, '.ts'),
      patterns: packed?.patterns ?? [],
    })),
  };
}

function routeKeyOf(events: readonly { readonly httpApi?: Route | undefined }[]): string | null {
  const [first] = events.flatMap(({ httpApi }) => httpApi ?? []);
  return first === undefined ? null : `${first.method} ${first.path}`;
}

/** Bundles one entry into `folder`. With `write: false` it only describes the bundle. */
export async function bundle(
  { options }: BundlePlan,
  entry: string | { readonly name: string; readonly source: string },
  { folder, write = true }: { readonly folder: string; readonly write?: boolean },
): Promise<Bundle> {
  const input: BuildOptions =
    typeof entry === 'string'
      ? { entryPoints: [entry] }
      : {
          stdin: { contents: entry.source, loader: 'ts', resolveDir: PROJECT_ROOT },
          entryNames: entry.name,
        };
  const { metafile } = await build({ ...options, ...input, outdir: folder, write });
  if (metafile === undefined) throw new Error('esbuild returned no metadata of its output');
  return describeBundle(metafile, typeof entry === 'string' ? entry : '<stdin>');
}

function describeBundle({ outputs }: Metafile, entry: string): Bundle {
  const found = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === entry);
  if (found === undefined) throw new Error(`esbuild wrote no bundle of ${entry}`);
  const [start] = found;
  const atStart = filesAtStart(outputs, start);
  const files = Object.entries(outputs).filter(([file]) => !file.endsWith('.map'));
  const bytesBySource = new Map<string, number>();
  for (const [, { inputs }] of files) {
    for (const [source, { bytesInOutput }] of Object.entries(inputs)) {
      if (bytesInOutput > 0) bytesBySource.set(source, (bytesBySource.get(source) ?? 0) + bytesInOutput);
    }
  }
  const sizeOf = (some: typeof files) => some.reduce((sum, [, { bytes }]) => sum + bytes, 0);
  return {
    file: join(PROJECT_ROOT, start),
    files: files.map(([file]) => basename(file)),
    bytes: sizeOf(files),
    bytesAtStart: sizeOf(files.filter(([file]) => atStart.has(file))),
    bytesBySource,
    asksFor: files.flatMap(([file, { imports }]) =>
      imports
        .filter(({ external, path }) => external && !isBuiltin(path))
        .map(({ path, kind }) => ({ name: path, atStart: atStart.has(file) && kind !== 'dynamic-import' })),
    ),
  };
}

/** The entry file and its static imports, transitively. */
function filesAtStart(outputs: Metafile['outputs'], start: string): Set<string> {
  const files = new Set([start]);
  // Iterating a set also visits the elements that are added meanwhile.
  for (const file of files) {
    for (const { path, kind, external } of outputs[file]?.imports ?? []) {
      if (external !== true && kind !== 'dynamic-import') files.add(path);
    }
  }
  return files;
}

const OWN_CODE = 'this project';

/** The npm package that a source file of a bundle belongs to. */
export function packageOf(source: string): string {
  const [, inPackages] = /.*node_modules\/(.*)/.exec(source) ?? [];
  if (inPackages === undefined) return OWN_CODE;
  return inPackages
    .split('/')
    .slice(0, inPackages.startsWith('@') ? 2 : 1)
    .join('/');
}

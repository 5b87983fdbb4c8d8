import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';

const Dependencies = z.optional(z.record(z.string(), z.string()));

const Manifest = z.object({
  dependencies: z._default(z.record(z.string(), z.string()), {}),
  devDependencies: z.record(z.string(), z.string()),
  optionalDependencies: Dependencies,
  overrides: z.optional(z.record(z.string(), z.unknown())),
  allowScripts: z._default(z.record(z.string(), z.boolean()), {}),
});
export type Manifest = z.output<typeof Manifest>;

const Entry = z.object({
  name: z.optional(z.string()),
  version: z.string(),
  license: z.optional(z.string()),
  integrity: z.optional(z.string()),
  resolved: z.optional(z.string()),
  dev: z.optional(z.boolean()),
  devOptional: z.optional(z.boolean()),
  optional: z.optional(z.boolean()),
  hasInstallScript: z.optional(z.boolean()),
  dependencies: Dependencies,
  optionalDependencies: Dependencies,
});

const Lock = z.object({ lockfileVersion: z.literal(3), packages: z.record(z.string(), Entry) });

/** One package of the lock file, at one path in node_modules. */
export interface Package extends z.output<typeof Entry> {
  readonly name: string;
  /** For example `node_modules/a/node_modules/b`. */
  readonly path: string;
  /** Whether a deployed function can load it. Other packages build, test and run things for developers. */
  readonly isRuntime: boolean;
}

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

/** Tools of a single check. Each has its own lock file, and is installed when the check runs. */
export const TOOL_FOLDERS = ['checks/mutation'] as const;

export const readManifest = (folder = '.'): Manifest => Manifest.parse(readJson(`${folder}/package.json`));

export function readLock(folder = '.'): Package[] {
  const { packages } = Lock.parse(readJson(`${folder}/package-lock.json`));
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({
      ...entry,
      path,
      name: entry.name ?? folderName(path),
      isRuntime: entry.dev !== true && entry.devOptional !== true && entry.optional !== true,
    }));
}

/** The import name of a package. */
export const folderName = (path: string): string => path.slice(path.lastIndexOf(MODULES) + MODULES.length);
const MODULES = 'node_modules/';

export const titleOf = ({ name, version }: Package): string => `${name}@${version}`;

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest, Package } from './lock.ts';

/** One of our dependencies, with all packages that it needs. */
export interface Brought {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly packages: number;
  /** The number of these packages that no other dependency of ours needs. */
  readonly onlyHere: number;
  readonly kilobytes: number;
}

/** Our runtime dependencies, with all packages that they need. Sizes are as installed, before bundling. */
export function runtimeDependencies({ dependencies }: Manifest, packages: readonly Package[]): Brought[] {
  const byPath = new Map(packages.map((one) => [one.path, one]));
  const trees = Object.keys(dependencies).map((name) => treeOf(`node_modules/${name}`, byPath));
  return trees.flatMap((tree) => {
    const [root] = tree;
    if (root === undefined) return [];
    const others = new Set(trees.filter((other) => other !== tree).flatMap((other) => [...other]));
    return {
      name: root.name,
      version: root.version,
      licence: root.license ?? 'none',
      packages: tree.size,
      onlyHere: [...tree].filter((one) => !others.has(one)).length,
      kilobytes: Math.round([...tree].reduce((sum, { path }) => sum + bytesIn(path), 0) / 1024),
    };
  });
}

/** A package and everything that it needs, itself first. */
function treeOf(path: string, byPath: ReadonlyMap<string, Package>): Set<Package> {
  const found = new Set<Package>();
  const open = [path];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const one = byPath.get(next);
    if (one === undefined || found.has(one)) continue;
    found.add(one);
    for (const name of Object.keys(one.dependencies ?? {})) open.push(placeOf(name, next, byPath));
  }
  return found;
}

/** Where Node resolves `name` from a package: in the nearest node_modules above. */
function placeOf(name: string, from: string, byPath: ReadonlyMap<string, Package>): string {
  for (let folder = from; folder !== ''; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const place = `${folder}/node_modules/${name}`;
    if (byPath.has(place)) return place;
  }
  return `node_modules/${name}`;
}

/** Excludes nested packages. */
function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .reduce((sum, entry) => {
      const path = join(folder, entry.name);
      return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size);
    }, 0);
}

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { fetchPackage } from '../support/npm-package.ts';
import { cachedFolder } from '../support/tool-cache.ts';

/** AWS's own runtime interface client, as it runs in Lambda, and the headers that its native part needs. */
const CLIENT = {
  name: 'aws-lambda-ric',
  version: '4.0.2',
  sha512: 'FE5Vskx7mYNnqAnWWJXUOsLp2VGgdsJsCoRLFTa8L4Yk0QVtArqR8q58yPA++QC1a73ZWJXBQ2AH31nIAv7NOQ==',
};
const ADDON_HEADERS = {
  name: 'node-addon-api',
  version: '8.9.2',
  sha512: 'VijLXbi3UACN69I0JVXJsX4tjACjNoQDgv2gTF6sx2wWEi8tkSg2eX8p5gSIFi8z2+DL3oHmY6OyKce38SDolg==',
};
const TOOLS = ['sh', 'tar', 'xz', 'cmake', 'make', 'gcc', 'g++'];

/**
 * The start file of the runtime interface client. The package has its native part as source only. Its own
 * scripts build the libraries, from sources that are in the package. The last step compiles the addon with
 * the headers of the installed Node, because node-gyp would download them.
 * @throws SetupError if a tool is missing or the build fails
 */
export function runtimeClient(): string {
  const folder = cachedFolder(`${CLIENT.name}-${CLIENT.version}-${process.arch}-node24`, (unfinished) => {
    const missing = TOOLS.filter((tool) => spawnSync('which', [tool]).status !== 0);
    if (missing.length > 0)
      throw new SetupError(`${CLIENT.name} is compiled with ${missing.join(', ')}. Install them.`);
    const source = join(unfinished, 'source');
    cpSync(verified(CLIENT), source, { recursive: true });
    console.log(`Building ${CLIENT.name} ${CLIENT.version} (1 minute) …`);
    build('sh', ['scripts/preinstall.sh'], source);
    build('g++', addonArguments(), source);
    mkdirSync(join(unfinished, 'client'));
    for (const file of ['index.mjs', 'rapid-client.node', 'package.json', 'LICENSE'])
      cpSync(join(source, file), join(unfinished, 'client', file));
    execFileSync('rm', ['-r', source]);
  });
  return join(folder, 'client', 'index.mjs');
}

function addonArguments(): string[] {
  return [
    ...['-std=c++20', '-O2', '-fPIC', '-fvisibility=hidden', '-shared', '-pthread'],
    ...['-DNAPI_CPP_EXCEPTIONS', '-DBUILDING_NODE_EXTENSION', '-DNODE_GYP_MODULE_NAME=rapid_client'],
    ...['-I', nodeHeaders(), '-I', verified(ADDON_HEADERS), '-I', 'deps/artifacts/include'],
    'src/native/rapid-client.cc',
    ...['deps/artifacts/lib/libaws-lambda-runtime.a', 'deps/artifacts/lib/libcurl.a'],
    ...['-o', 'rapid-client.node'],
  ];
}

/** The npm package `node` has the headers of its version beside the program. */
function nodeHeaders(): string {
  const platform = `node-${process.platform}-${process.arch}`;
  const packageOfNode = createRequire(import.meta.url).resolve('node/package.json');
  const binary = createRequire(packageOfNode).resolve(`${platform}/package.json`);
  return join(dirname(binary), 'include', 'node');
}

/** The unpacked package. @throws SetupError if its archive is not the reviewed one */
function verified({ name, version, sha512 }: typeof CLIENT): string {
  const folder = fetchPackage(name, version);
  const archive = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  const actual = createHash('sha512')
    .update(readFileSync(join(folder, archive ?? '')))
    .digest('base64');
  if (actual !== sha512) throw new SetupError(`${name}@${version} is not the reviewed package: ${actual}.`);
  return join(folder, 'package');
}

/** @throws SetupError with the end of the output */
function build(command: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) return;
  const output = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim().split('\n').slice(-10);
  throw new SetupError(`${command} ${args.slice(0, 1)} failed:`, output);
}

import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { cachedFolder } from '../support/tool-cache.ts';

const VERSION = '1.52.0';
/** One call takes a tenth of a second; only one that hangs takes this long. */
const CALL_WITHIN_MS = 30_000;
/** Nothing listens on the port `discard`. */
const CLOSED_PORT = 'http://127.0.0.1:9';

/** Where it sends its calls, and where alone it may write. */
export interface CliSetting {
  readonly apiBase: string;
  readonly apiKey: string;
  readonly home: string;
}

export interface CliResult {
  /** Null when it ended by a signal, as one that hangs does. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The official command line of Stripe, fetched once. Its executable comes whole inside an npm package of its own for
 * each platform; the package is unpacked, not installed, so that it stays out of the project.
 * @throws SetupError when there is none for this platform, or it cannot be fetched.
 */
export function fetchCli(): string {
  const platform = `${process.platform}-${process.arch}`;
  const name = `@stripe/cli-${platform}`;
  const folder = cachedFolder(`stripe-cli-${VERSION}-${platform}`, (unfinished) => {
    console.log(`Fetching ${name}@${VERSION} …`);
    try {
      const args = ['pack', '--loglevel=error', '--pack-destination', unfinished, `${name}@${VERSION}`];
      const packed = execFileSync('npm', args, { encoding: 'utf8', stdio: 'pipe' });
      execFileSync('tar', ['-xzf', join(unfinished, packed.trim()), '-C', unfinished], { stdio: 'pipe' });
    } catch (error) {
      const npmCode = /npm error code (\w+)/.exec(reasonOf(error))?.[1];
      throw new SetupError(
        npmCode === 'E404'
          ? `Stripe's command line ${VERSION} does not come for ${platform}: there is no package ${name}.`
          : `Stripe's command line could not be fetched as ${name}@${VERSION}: ${npmCode ?? reasonOf(error)}`,
      );
    }
  });
  return join(folder, 'package', 'bin', process.platform === 'win32' ? 'stripe.exe' : 'stripe');
}

/** The event types it can trigger: what it says itself. */
export async function supportedEvents(cli: string, setting: CliSetting): Promise<ReadonlySet<string>> {
  const { stdout } = await runCli(cli, setting, ['trigger', '--help']);
  const list = /^Supported events:\n((?: +\S+\n)+)/m.exec(stdout)?.[1];
  if (list === undefined)
    throw new SetupError("Stripe's command line no longer lists the events it supports.");
  return new Set(list.split('\n').map((line) => line.trim()));
}

export const trigger = (
  cli: string,
  setting: CliSetting,
  type: string,
  more: readonly string[] = [],
): Promise<CliResult> =>
  runCli(cli, setting, [
    'trigger',
    type,
    ...['--api-base', setting.apiBase, '--api-key', setting.apiKey],
    ...more,
  ]);

function runCli(cli: string, { home }: CliSetting, args: readonly string[]): Promise<CliResult> {
  const options = {
    cwd: home,
    timeout: CALL_WITHIN_MS,
    env: {
      HOME: home,
      XDG_CONFIG_HOME: home,
      STRIPE_CLI_TELEMETRY_OPTOUT: '1',
      // Each call also asks elsewhere for a newer version of itself, and no setting of its own turns that off. The
      // double is spoken to over plain HTTP, which this leaves alone.
      HTTPS_PROXY: CLOSED_PORT,
    },
  };
  return new Promise((resolve, reject) => {
    const child = execFile(cli, [...args, '--color', 'off'], options, (error, stdout, stderr) => {
      // A number is the exit code of one that ran; a word is why it could not.
      if (error !== null && typeof error.code === 'string') {
        reject(new SetupError(`Stripe's command line cannot be run here: ${error.code} (${cli})`));
        return;
      }
      resolve({ exitCode: child.exitCode, stdout, stderr });
    });
  });
}

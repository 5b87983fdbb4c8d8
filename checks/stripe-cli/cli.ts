import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { fetchPackage } from '../support/npm-package.ts';

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
  const folder = fetchPackage(`@stripe/cli-${process.platform}-${process.arch}`, VERSION);
  return join(folder, 'package', 'bin', process.platform === 'win32' ? 'stripe.exe' : 'stripe');
}

/** The event types it can trigger: what it says itself. */
export async function supportedEvents(cli: string, setting: CliSetting): Promise<ReadonlySet<string>> {
  const { stdout } = await runCli(cli, setting, ['trigger', '--help']);
  const list = /^Supported events:\n((?: +\S+\n)+)/m.exec(stdout)?.[1];
  if (list === undefined)
    throw new SetupError("Stripe's command line no longer lists the events it supports.");
  return new Set(list.trim().split(/\s+/));
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

/** Sends an event again to one endpoint. */
export const resend = (
  cli: string,
  setting: CliSetting,
  event: string,
  endpoint: string,
): Promise<CliResult> =>
  runCli(cli, setting, [
    ...['events', 'resend', event, '--webhook-endpoint', endpoint],
    ...['--api-base', setting.apiBase, '--api-key', setting.apiKey],
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

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { fetchPackage } from '../support/npm-package.ts';

const VERSION = '1.52.0';
/** A call takes 0.1 seconds. Only a call that hangs takes this long. */
const CALL_WITHIN_MS = 30_000;
/** The port `discard`, on which nothing listens. */
const CLOSED_PORT = 'http://127.0.0.1:9';

/** The address that it calls, and the only folder that it may write to. */
export interface CliSetting {
  readonly apiBase: string;
  readonly apiKey: string;
  readonly home: string;
}

export interface CliResult {
  /** Null when a signal ended it, for example because it hung. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The official Stripe command line, fetched once. Each platform has an npm package with the complete
 * executable. The package is unpacked, not installed, so it stays out of the project.
 * @throws SetupError when there is none for this platform, or the fetch fails
 */
export function fetchCli(): string {
  const folder = fetchPackage(`@stripe/cli-${process.platform}-${process.arch}`, VERSION);
  return join(folder, 'package', 'bin', process.platform === 'win32' ? 'stripe.exe' : 'stripe');
}

/** The event types that the command line says it can trigger. */
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

/** Sends an event to one endpoint again. */
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
      // Each call also looks for a newer version, and no setting turns this off. The stand-in uses plain
      // HTTP, so an HTTPS proxy does not affect it.
      HTTPS_PROXY: CLOSED_PORT,
    },
  };
  return new Promise((resolve, reject) => {
    const child = execFile(cli, [...args, '--color', 'off'], options, (error, stdout, stderr) => {
      // A number is the exit code of a program that ran. A string says why it did not start.
      if (error !== null && typeof error.code === 'string') {
        reject(new SetupError(`Stripe's command line cannot be run here: ${error.code} (${cli})`));
        return;
      }
      resolve({ exitCode: child.exitCode, stdout, stderr });
    });
  });
}

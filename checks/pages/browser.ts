import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { SetupError } from '../../lib/settings/setup-error.ts';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * Starts the machine's Chromium, and installs Debian's if there is none.
 * @throws SetupError with the remedy, when there is no browser and none can be installed
 */
export async function startBrowser(): Promise<Browser> {
  const configured = process.env['CHROMIUM'];
  const executablePath = configured ?? CANDIDATES.find(existsSync) ?? installed();
  return chromium.launch({
    executablePath,
    // Chromium does not run its sandbox as root.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-dev-shm-usage'],
  });
}

function installed(): string {
  const advice = 'Install Chromium, or name one that is installed elsewhere: CHROMIUM=/path/to/chromium.';
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) {
    throw new SetupError(`Chromium is missing. ${advice}`);
  }
  console.log('Installing Chromium with apt-get …');
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', 'chromium']]) {
    const { status, stderr } = spawnSync('apt-get', args, { encoding: 'utf8' });
    if (status !== 0) throw new SetupError(`apt-get ${args[0]} failed: ${stderr.trim()} ${advice}`);
  }
  const found = CANDIDATES.find(existsSync);
  if (found === undefined) throw new SetupError(`apt-get did not install Chromium. ${advice}`);
  return found;
}

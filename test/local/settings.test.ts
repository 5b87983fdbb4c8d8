import { describe, expect, it } from 'vitest';
import { DEFAULT_PORTS, readSettings, SETTINGS } from '../../cli/stage/local-settings.ts';
import { startHelp } from '../../local/stack/help.ts';

/** The error message for invalid settings. Empty for valid ones. */
function refusal(settings: Record<string, string>): string {
  try {
    readSettings(settings);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('the settings of npm start', () => {
  it('npm start needs no setting', () => {
    expect(readSettings({})).toEqual({
      port: DEFAULT_PORTS.PORT,
      dataDir: undefined,
      dynamodbEndpoint: undefined,
      logLevel: 'WARN',
      mailboxPort: undefined,
      debugPort: undefined,
      stripe: { kind: 'double', port: undefined },
    });
  });

  it('an empty setting counts as unset', () => {
    expect(readSettings({ PORT: '', MAILBOX_PORT: '', DATA_DIR: '' })).toEqual(readSettings({}));
  });

  it('MAILBOX_PORT and DEBUG_PORT set the ports of the mailbox and the inspector', () => {
    const settings = readSettings({ MAILBOX_PORT: '8500', DEBUG_PORT: '9300' });
    expect([settings.mailboxPort, settings.debugPort]).toEqual([8_500, 9_300]);
  });

  it.each([
    ['PORT', 'eighty'],
    ['PORT', '99999'],
    ['PORT', '0'],
    ['DYNAMODB_ENDPOINT', 'localhost'],
    ['LOG_LEVEL', 'LOUD'],
    ['STRIPE_PORT', 'none'],
    ['MAILBOX_PORT', '-1'],
    ['DEBUG_PORT', '1.5'],
    ['STRIPE_API_BASE', 'http://127.0.0.1:8420/v1'],
    ['STRIPE_PRO_PRICE_ID', 'prod_1'],
  ])('%s=%s is refused in one line that names the setting and its value', (name, value) => {
    const message = refusal({ [name]: value });
    expect(message).toContain(`${name} is "${value}"; it must be `);
    expect(message).not.toContain('\n');
  });

  const test = { STRIPE_SECRET_KEY: 'sk_test_x1' };
  it.each([
    ['a live key', { STRIPE_SECRET_KEY: 'sk_live_x1' }, /^STRIPE_SECRET_KEY is a live key/],
    ['a restricted live key', { STRIPE_SECRET_KEY: 'rk_live_x1' }, /^STRIPE_SECRET_KEY is a live key/],
    ['a publishable key', { STRIPE_SECRET_KEY: 'pk_test_x1' }, /^STRIPE_SECRET_KEY .*sk_test_…/],
    ['STRIPE_API_BASE alone', { STRIPE_API_BASE: 'http://127.0.0.1:9' }, /^STRIPE_API_BASE is set without/],
    ['a price alone', { STRIPE_PRO_PRICE_ID: 'price_1' }, /^STRIPE_PRO_PRICE_ID is set without/],
    [
      'one port for API and double',
      { PORT: '4997', STRIPE_PORT: '4997' },
      /^PORT and STRIPE_PORT are both 4997/,
    ],
    ['one port for API and mailbox', { MAILBOX_PORT: '4000' }, /^PORT and MAILBOX_PORT are both 4000/],
    [
      'one port for mailbox and inspector',
      { MAILBOX_PORT: '8500', DEBUG_PORT: '8500' },
      /^MAILBOX_PORT and DEBUG_PORT are both 8500/,
    ],
    ['three secrets', { ...test, STRIPE_WEBHOOK_SECRETS: 'whsec_x1,whsec_x1,whsec_x1' }, /one or two/],
  ])('%s is refused in one line without secrets', (_, settings, message) => {
    const fault = refusal(settings);
    expect(fault).toMatch(message);
    expect(fault).not.toMatch(/_x1|\n/);
  });

  it('npm start -- --help lists every setting with its meaning and default, and every flag', () => {
    const help = startHelp();
    for (const [name, { meaning, unset }] of Object.entries(SETTINGS)) {
      expect(help).toContain(`  ${name.padEnd(24)}${meaning}\n`);
      expect(help).toContain(`default: ${unset}; for example ${name}=`);
    }
    for (const flag of ['--watch', '--help']) expect(help).toContain(`  ${flag}`);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });
});

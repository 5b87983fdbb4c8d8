import { isLiveStage } from '../../lib/settings/stripe.ts';
import type { Remedy } from './check.ts';
import type { ParameterName, Site } from './site.ts';

/* Remedies with a command to copy. For a local stack it is a restart, which sets everything up again. */

const RESTART: Remedy = { advice: 'Restart the stack, which sets it up again:', command: ['npm start'] };

export const orRestart = ({ local }: Site, remedy: Remedy): Remedy => (local === null ? remedy : RESTART);

export const deploy = (site: Site): Remedy =>
  orRestart(site, {
    advice: 'Deploy the stage:',
    command: ['npx serverless deploy', `--stage ${site.definition.stage}`],
  });

/**
 * For a resource of the template that is missing at AWS. A deploy compares templates, so it cannot see a
 * deletion.
 */
export const deployOrRecreate = (site: Site): Remedy =>
  orRestart(site, {
    ...deploy(site),
    advice:
      'A deploy does not recreate it: see "What was deleted by hand" in docs/operate.md. If it is new, ' +
      'deploy the stage:',
  });

/** Commands that run one after the other, each only if the one before succeeded. */
export const inSequence = (commands: readonly string[]): string[] =>
  commands.map((command, i) => (i < commands.length - 1 ? `${command} &&` : command));

/**
 * The command reads the value from the terminal, so that no secret is part of a command line.
 * @param shape the form of the value, for people
 */
export function storeParameter(
  site: Site,
  name: ParameterName,
  { type, shape, advice = '' }: { type: 'String' | 'SecureString'; shape: string; advice?: string },
): Remedy {
  const parameter = `${site.definition.parameters}/${name}`;
  return orRestart(site, {
    // One command on several lines, so that the value cannot be pasted into it and end up in the shell's
    // history.
    advice: `${advice} Store it: run this and, when it waits, paste ${shape}. The input is not shown.`.trim(),
    command: [
      'read -rs VALUE &&',
      'aws ssm put-parameter --overwrite',
      `--name ${parameter}`,
      `--type ${type}`,
      '--value "$VALUE"',
    ],
  });
}

export async function runStripeSetup(site: Site, advice: string): Promise<Remedy> {
  const mode = isLiveStage(site.definition.stage) ? ['--live'] : [];
  const command = ['npm run stripe:setup --', `--url ${await site.webhookUrl()}`, ...mode];
  return orRestart(site, { advice, command });
}

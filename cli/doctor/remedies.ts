import { isLiveStage } from '../../lib/settings/stripe.ts';
import type { Remedy } from './check.ts';
import type { ParameterName, Site } from './site.ts';

/* What puts things right, by a command that can be copied. A stack on this machine sets itself up when it starts. */

const RESTART: Remedy = { advice: 'Start the stack anew, which puts it right:', command: ['npm start'] };

export const orRestart = ({ local }: Site, remedy: Remedy): Remedy => (local === null ? remedy : RESTART);

export const deploy = (site: Site): Remedy =>
  orRestart(site, {
    advice: 'Deploy the stage:',
    command: ['npx serverless deploy', `--stage ${site.definition.stage}`],
  });

/** For what the template has and AWS has not. A deploy compares templates, and leaves away what somebody deleted by hand. */
export const deployOrPutBack = (site: Site): Remedy =>
  orRestart(site, {
    ...deploy(site),
    advice:
      'A deploy does not bring back "What was deleted by hand": see docs/operate.md. Otherwise deploy the stage:',
  });

/** Several commands, one after the other. */
export const oneByOne = (commands: readonly string[]): string[] =>
  commands.map((command, i) => (i < commands.length - 1 ? `${command} &&` : command));

/** @param shape what the value looks like; it is read from the terminal, so that no secret is in a command line */
export function storeParameter(
  site: Site,
  name: ParameterName,
  { type, shape, advice = '' }: { type: 'String' | 'SecureString'; shape: string; advice?: string },
): Remedy {
  const parameter = `${site.definition.parameters}/${name}`;
  return orRestart(site, {
    // It is one command on several lines: what is pasted among them would be a part of it, and in the shell's history.
    advice: `${advice} Store it: run this, and when it waits, paste ${shape}; it is not shown.`.trim(),
    command: [
      'read -rs VALUE &&',
      'aws ssm put-parameter --overwrite',
      `--name ${parameter}`,
      `--type ${type}`,
      '--value "$VALUE"',
    ],
  });
}

export async function setStripeUp(site: Site, advice: string): Promise<Remedy> {
  const mode = isLiveStage(site.definition.stage) ? ['--live'] : [];
  const command = ['npm run stripe:setup --', `--url ${await site.webhookUrl()}`, ...mode];
  return orRestart(site, { advice, command });
}

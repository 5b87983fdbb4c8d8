import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { reasonOf } from '../../lib/settings/setup-error.ts';
import { readDefinition } from '../doctor/definition.ts';
import { openSite } from '../doctor/site.ts';
import { openAccount } from '../preflight/account.ts';
import { importOf } from '../recovery/import-kept.ts';
import { findKept, KIND_OF } from '../recovery/kept.ts';
import { PROJECT_ROOT } from '../stage/serverless-file.ts';
import type { Runner, Session } from '../stage/session.ts';
import { EXIT, type ExitCode, Failure, usageFailure } from '../terminal/failure.ts';
import { examples } from '../terminal/help.ts';

const PACKAGED = '.serverless/cloudformation-template-update-stack.json';

export function addImportKept(program: CommandUnknownOpts, runner: Runner): void {
  program
    .command('import-kept')
    .summary('write the import of a table that outlived its stack')
    .description(
      'Writes the two files with which CloudFormation makes a new stack around the table, the logs and the ' +
        'vault that an earlier stack left behind. Reads the account and the packaged template. Changes ' +
        'nothing at AWS. The runbook is "A stack around a kept table" in docs/operate.md.',
    )
    .requiredOption('--output <folder>', 'folder for template.json and resources.json')
    .option('--template <file>', 'the packaged template', PACKAGED)
    .addHelpText('after', examples('rsolv-billing import-kept --stage staging --output .cache/import'))
    .action((options, command) => runner.run(command, (session) => writeImport(session, options)));
}

async function writeImport(
  { stage, out }: Session,
  { output, template }: { readonly output: string; readonly template: string },
): Promise<ExitCode> {
  if (stage.name === 'local') throw usageFailure('A local stack is not imported. Name a stage with --stage.');
  const definition = readDefinition(stage.name);
  const dynamodb = stage.deps.table.client;
  const site = openSite({ definition, dynamodb, local: null, stripeApiBase: undefined, now: stage.deps.now });
  if ((await site.stack()) !== null) {
    const detail =
      `The stack ${definition.stackName} exists. Delete it first if its first deploy failed. ` +
      'Otherwise it needs no import.';
    throw new Failure('stack_exists', detail, EXIT.refused);
  }
  const kept = await findKept(openAccount(site, []));
  if (kept.length === 0)
    throw new Failure('nothing_kept', 'Nothing is kept: deploy the stage.', EXIT.refused);
  const files = importOf(readTemplate(template), kept);
  mkdirSync(output, { recursive: true });
  writeFileSync(join(output, 'template.json'), `${JSON.stringify(files.template, null, 2)}\n`);
  writeFileSync(join(output, 'resources.json'), `${JSON.stringify(files.resources, null, 2)}\n`);
  out.answer({ folder: output, kept }, () => [
    ...kept.map(({ type, name }) => `${KIND_OF[type]} ${name}`),
    `Written to ${output}: template.json and resources.json.`,
  ]);
  return EXIT.ok;
}

/** @throws Failure if the stage is not packaged */
function readTemplate(file: string): unknown {
  try {
    return JSON.parse(readFileSync(resolve(PROJECT_ROOT, file), 'utf8'));
  } catch (error) {
    const packageIt = 'Package the stage: npm run package -- --stage …';
    const detail = `${file} cannot be read (${reasonOf(error)}). ${packageIt}`;
    throw new Failure('not_packaged', detail, EXIT.refused);
  }
}

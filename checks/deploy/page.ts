import { markdownTable } from '../support/generated-page.ts';
import { EMULATOR } from './emulator.ts';
import { PLANTED } from './planted.ts';
import { STUBS } from './stubs.ts';

/** What a green run does not show. */
const NOT_SHOWN: readonly string[] = [
  'Traffic that moves in steps to a new version, and its rollback.',
  'Whether an alarm sounds. `check:template` and the evaluator of alarms read their expressions.',
  "The gateway's throttles and access log, X-Ray, and a domain of our own.",
  'The processor: functions run on the one of this machine, not on arm64.',
  'The commands of the framework: the check takes their steps with CloudFormation itself.',
  'Denials that need a resource policy or a condition on the keys of an item.',
];

/** The generated page. Its content is the same in every run. */
export const page = (): string => `# The deploy on an emulator

Written by \`npm run check:deploy -- --write\`; do not edit.

The check packages \`staging\` and deploys it with CloudFormation on \`${EMULATOR}\`, an emulator of AWS from PyPI.
The emulator needs no container and listens on 127.0.0.1 only, which the check verifies.
The functions are the packaged bundles.
They run under \`aws-lambda-ric\`, AWS's own runtime interface client, and call the stand-in for Stripe.
The emulator judges every call of a function by the policies of its role, and every call of the command line by the operators' policy.

The check then works with the stage:

1. \`doctor\` names exactly what a new stage lacks.
2. The steps after a first deploy are done, and \`doctor\` is satisfied.
3. \`smoke\` passes, with Stripe's webhooks delivered through the gateway.
4. A customer and an operator call every other function.
   No call is denied, no letter fails, and \`reconcile\` finds no drift.
5. An update moves an alias to a new version.
   \`smoke\` passes again, and the customer's balance is the same.
6. Permissions are taken away one at a time.
   The step that needs the permission fails, and the denied call is in the log of its function.
7. The stack is removed.
   The table and the logs of the operators' functions stay.

## What is replaced

${markdownTable(
  ['part of the template', 'why', 'instead'],
  STUBS.map(({ part, reason, instead }) => [part, reason, instead]),
)}

The emulator's CloudFormation also skips point-in-time recovery, encryption and expiry of the table.
\`doctor\` names each of them, and the check then makes the calls that \`doctor\` proposes.

## Permissions that are taken away

${markdownTable(
  ['role or policy', 'permission', 'what must fail'],
  PLANTED.map(({ from, action, step }) => [`\`${from}\``, `\`${action}\``, step]),
)}

## What this check does not show

${NOT_SHOWN.map((one) => `- ${one}`).join('\n')}
`;

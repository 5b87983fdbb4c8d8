import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, expect, inject, it } from 'vitest';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { ensureTable } from '../../cli/stage/table.ts';
import { addPaymentMethod } from '../../lib/operations/accounts/add-payment-method.ts';
import { closeCustomer } from '../../lib/operations/accounts/close-customer.ts';
import { onboardCustomer } from '../../lib/operations/accounts/onboard-customer.ts';
import { contentsOf } from '../../test/support/contents.ts';
import { expectSoundLedger } from '../../test/support/customers.ts';
import { documents } from '../../test/support/documents.ts';
import { customerWith, uniqueEmail } from '../../test/support/fixtures.ts';
import { headOf, type Money, openMoneyForFile } from '../../test/support/money.ts';

/* Runs the commands of docs/operate.md that restore a few customers, exactly as written there. */

const manual = readFileSync('docs/operate.md', 'utf8');
const commandsIn = (text: string): string[] =>
  [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => String(block));
const [, aFewCustomers = ''] = /\n\*A few customers\.\*(.*?)\n\*The whole table\.\*/s.exec(manual) ?? [];
const commands = commandsIn(aFewCustomers);

let money: Money;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rsolv-billing-runbook-'));
  const shim = `#!/bin/sh\nexec '${process.execPath}' '${join(PROJECT_ROOT, 'test/support/aws-command.ts')}' "$@"\n`;
  await writeFile(join(folder, 'aws'), shim);
  await chmod(join(folder, 'aws'), 0o755);
  const opened = await openMoneyForFile();
  ({ money } = opened);
  return async () => {
    await opened.stop();
    await rm(folder, { recursive: true });
  };
});

/** Copies the table as it is now into a table like a restored one. */
async function restoredFrom({ deps: { table } }: Money): Promise<void> {
  const name = `${table.name}-restored`;
  await ensureTable(table.client, name);
  for (const Item of await contentsOf(table))
    await documents(table).send(new PutCommand({ TableName: name, Item }));
}

/** Runs the first `blocks` blocks for a customer. Returns their stderr. */
async function run(customerId: string, since: string, blocks: number): Promise<string> {
  const script = commands
    .slice(0, blocks)
    .join('\n')
    .replace(/^ID=…/m, `ID=${customerId}`)
    .replace(/^SINCE=\S+/m, `SINCE=${since}`)
    .replace(/^LIVE=\S+/m, `LIVE=${money.deps.table.name}`);
  const env = {
    ...process.env,
    PATH: `${folder}:${process.env['PATH']}`,
    DYNAMODB_ENDPOINT: inject('dynamodbEndpoint'),
  };
  const shell = spawn('bash', ['-u', '-c', script], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [stderrText] = await Promise.all([text(shell.stderr), once(shell, 'close')]);
  return stderrText;
}

/** The commands need jq. Without jq the tests are skipped. */
const hasJq = spawnSync('jq', ['--version']).status === 0;

it.runIf(hasJq)(
  'restored customers get their card bonus and address back, and can be closed again',
  async () => {
    const { deps } = money;
    const [spender, closed, outrun] = [
      await customerWith(deps, 5),
      await customerWith(deps, 5),
      await customerWith(deps, 5),
    ];
    await restoredFrom(money);
    const since = new Date().toISOString();

    const card = await money.newCard();
    expect((await addPaymentMethod(deps, spender.head, card)).bonusCredits).toBe(5);
    for (const { head } of [closed, outrun]) await closeCustomer(deps, head.customerId);
    const signUp = (email: string) => onboardCustomer(deps, { name: 'Acme', email, source: 'direct' });
    await signUp(outrun.head.email);

    expect(await run(spender.head.customerId, since, 2)).toBe('');
    expect(await run(closed.head.customerId, since, 2)).toBe('');
    for (const { head } of [spender, closed]) expect(await headOf(deps, head.customerId)).toEqual(head);

    expect((await addPaymentMethod(deps, spender.head, card)).bonusCredits).toBe(5);
    await expectSoundLedger(deps, spender.head.customerId);
    await expect(signUp(closed.head.email)).rejects.toMatchObject({ code: 'email_taken' });

    expect(await run(outrun.head.customerId, since, 3)).toContain('ConditionalCheckFailedException');
    await expect(signUp(outrun.head.email)).rejects.toMatchObject({ code: 'email_taken' });
    for (const { head } of [closed, outrun]) {
      expect(await closeCustomer(deps, head.customerId)).toMatchObject({ already: false, balance: 5 });
    }
    await expect(signUp(closed.head.email)).resolves.toBeDefined();
    await expect(signUp(uniqueEmail())).resolves.toBeDefined();
  },
);

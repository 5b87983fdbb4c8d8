import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { issueCustomerKeyContract, revokeCustomerKeyContract } from '../../lib/operators/contracts.ts';
import { type ListedKey, listApiKeys } from '../../lib/store/api-keys.ts';
import { keyView } from '../reports/views.ts';
import { requireCustomer } from '../stage/customers.ts';
import type { Runner, Session } from '../stage/session.ts';
import { actor, customerId, keyLabel, keyName, keyScope, ownName, reason } from '../terminal/arguments.ts';
import { EXIT, Failure } from '../terminal/failure.ts';
import { shortId, shortTime } from '../terminal/format.ts';
import { examples } from '../terminal/help.ts';
import { tableLines } from '../terminal/table.ts';

export function addKeys(program: CommandUnknownOpts, runner: Runner): void {
  const keys = program
    .command('keys')
    .summary('list, issue and revoke API keys')
    .description(
      "Manages customers' API keys. The table stores only hashes. A key is shown once, when issued.",
    )
    .addHelpText(
      'after',
      examples(
        'rsolv-billing keys list 5be0…c1',
        'rsolv-billing keys revoke 5be0…c1 9c1f04aa --reason leaked',
      ),
    );

  keys
    .command('list')
    .summary("list a customer's keys")
    .description(
      "Lists all keys of a customer, also revoked ones, by id. An id is the key's SHA-256 in hex. The last " +
        'use is the last day on which the key changed something; calls that only read do not count.',
    )
    .argument('<customer id>', 'whose keys', customerId)
    .addHelpText('after', examples('rsolv-billing keys list 5be0…c1'))
    .action((id, _, command) =>
      runner.run(command, async ({ stage, out }) => {
        await requireCustomer(stage.deps.table, id);
        const listed = await listApiKeys(stage.deps.table, id);
        out.answer({ customer_id: id, keys: listed.map(keyView) }, () => keyLines(listed, out.width));
        return undefined;
      }),
    );

  keys
    .command('issue')
    .summary('issue a key for a customer')
    .description(
      'Issues a key for a customer who never got the first one, or whose keys were all lost or leaked, and ' +
        'who cannot sign in by e-mail. The key is shown once, here. The customer gets an e-mail about it. ' +
        'Give the key to the customer only. With --end-others, all other keys of the customer are ' +
        'revoked in the same step, and the e-mail says so.',
    )
    .argument('<customer id>', 'whose key', customerId)
    .requiredOption('--reason <text>', 'why; stored in the log', reason)
    .option('--actor <name>', 'your name', actor, ownName())
    .option('--name <text>', 'a name for the key, shown in lists', keyLabel)
    .option('--scope <scope>', 'fixes (for RSOLV-action) or account (everything)', keyScope)
    .option('--end-others', 'revoke all other keys of the customer in the same step; asks first')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      examples(
        'rsolv-billing keys issue 5be0…c1 --reason "sign-up answer lost, ticket 99"',
        'rsolv-billing keys issue 5be0…c1 --end-others --reason leaked',
      ),
    )
    .action((id, options, command) =>
      runner.run(command, async ({ stage, out, confirm }) => {
        if (options.endOthers) {
          await confirm(
            `Revoke all keys of customer ${id} and issue a new one? Programs that use them stop working.`,
            options.yes ?? false,
          );
        }
        const issued = await stage.functions.call(issueCustomerKeyContract, {
          customer_id: id,
          reason: options.reason,
          actor: options.actor,
          ...(options.name !== undefined && { name: options.name }),
          ...(options.scope !== undefined && { scope: options.scope }),
          ...(options.endOthers && { end_others: true }),
        });
        out.answer({ customer_id: id, ...issued }, () => [
          'The key, shown only once:',
          '',
          issued.api_key,
          '',
          `Its id is ${shortId(issued.key_id)}, its scope ${issued.scope}.`,
          ...issued.ended.map((ended) => `The key ${shortId(ended)} was revoked.`),
        ]);
        return undefined;
      }),
    );

  keys
    .command('revoke')
    .summary('revoke a key')
    .description('Revokes a key. Its next request is rejected. This cannot be undone. Asks first.')
    .argument('<customer id>', 'whose key', customerId)
    .argument('<key id>', 'the key id, or its first 8 digits or more', keyName)
    .requiredOption('--reason <text>', 'why; stored in the log', reason)
    .option('--actor <name>', 'your name', actor, ownName())
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('rsolv-billing keys revoke 5be0…c1 9c1f04aa --reason "leaked, ticket 4"'))
    .action((id, name, options, command) =>
      runner.run(command, async ({ stage, out, confirm }) => {
        const key = await findKey(stage, id, name);
        await confirm(
          `Revoke the key ${shortId(key.keyId)} of customer ${id}, issued ${shortTime(key.createdAt)}?`,
          options.yes ?? false,
        );
        const revoked = await stage.functions.call(revokeCustomerKeyContract, {
          customer_id: id,
          key_id: key.keyId,
          reason: options.reason,
          actor: options.actor,
        });
        out.answer({ customer_id: id, ...revoked }, () => [
          `The key ${shortId(key.keyId)} was revoked at ${shortTime(revoked.revoked_at)} UTC.`,
        ]);
        return undefined;
      }),
    );
}

/** @throws Failure if no key id of the customer, or more than one, begins with `name` */
async function findKey({ deps }: Session['stage'], customerId: string, name: string): Promise<ListedKey> {
  await requireCustomer(deps.table, customerId);
  const [key, ...others] = (await listApiKeys(deps.table, customerId)).filter(({ keyId }) =>
    keyId.startsWith(name),
  );
  if (key === undefined) {
    const detail = `Customer ${customerId} has no key ${name}. See: keys list ${customerId}`;
    throw new Failure('api_key_not_found', detail, EXIT.refused);
  }
  if (others.length > 0) {
    const detail = `${others.length + 1} keys begin with ${name}. Use more digits.`;
    throw new Failure('api_key_ambiguous', detail, EXIT.refused);
  }
  return key;
}

const keyLines = (listed: readonly ListedKey[], width: number): string[] =>
  tableLines(
    [
      { heading: 'key id' },
      { heading: 'name' },
      { heading: 'scope' },
      { heading: 'state' },
      { heading: 'issued (UTC)' },
      { heading: 'last used' },
      { heading: 'revoked (UTC)' },
    ],
    listed.map(({ keyId, name, scope, createdAt, lastUsedOn, revokedAt }) => [
      keyId,
      name ?? '',
      scope,
      revokedAt === null ? 'active' : 'revoked',
      shortTime(createdAt),
      lastUsedOn ?? '',
      revokedAt === null ? '' : shortTime(revokedAt),
    ]),
    width,
  );

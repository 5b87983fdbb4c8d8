import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { issueCustomerKeyContract, revokeCustomerKeyContract } from '../../lib/operators/contracts.ts';
import { type ListedKey, listApiKeys } from '../../lib/store/api-keys.ts';
import { keyView } from '../reports/views.ts';
import { existingCustomer } from '../stage/customers.ts';
import type { Runner, Session } from '../stage/session.ts';
import { actor, customerId, keyName, ownName, reason } from '../terminal/arguments.ts';
import { EXIT, Failure } from '../terminal/failure.ts';
import { shortId, shortTime } from '../terminal/format.ts';
import { examples } from '../terminal/help.ts';
import { tableLines } from '../terminal/table.ts';

export function addKeys(program: CommandUnknownOpts, runner: Runner): void {
  const keys = program
    .command('keys')
    .summary("customers' API keys")
    .description("Customers' API keys. The table holds their hashes; a key is shown once, when it is issued.")
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
    .description("Lists all keys that a customer ever had, by their ids. An id is the key's SHA-256 in hex.")
    .argument('<customer id>', 'whose keys', customerId)
    .addHelpText('after', examples('rsolv-billing keys list 5be0…c1'))
    .action((id, _, command) =>
      runner.run(command, async ({ stage, out }) => {
        await existingCustomer(stage.deps.table, id);
        const listed = await listApiKeys(stage.deps.table, id);
        out.answer({ customer_id: id, keys: listed.map(keyView) }, () => keyLines(listed, out.width));
        return undefined;
      }),
    );

  keys
    .command('issue')
    .summary('issue a key for a customer who cannot')
    .description(
      'Issues a key for a customer who cannot: the answer to their sign-up was lost, or all their keys are. It is ' +
        'shown once, here, and they are told of it by e-mail. Give it to nobody but the customer.',
    )
    .argument('<customer id>', 'for whom', customerId)
    .requiredOption('--reason <text>', 'why, for whoever reads the log later', reason)
    .option('--actor <name>', 'who does it', actor, ownName())
    .addHelpText(
      'after',
      examples('rsolv-billing keys issue 5be0…c1 --reason "sign-up answer lost, ticket 99"'),
    )
    .action((id, options, command) =>
      runner.run(command, async ({ stage, out }) => {
        const issued = await stage.functions.call(issueCustomerKeyContract, {
          customer_id: id,
          reason: options.reason,
          actor: options.actor,
        });
        out.answer({ customer_id: id, ...issued }, () => [
          `The key, shown this once:`,
          '',
          issued.api_key,
          '',
          `Its id is ${shortId(issued.key_id)}`,
        ]);
        return undefined;
      }),
    );

  keys
    .command('revoke')
    .summary('end a key at once')
    .description(
      'Ends a key with the next request that is made with it. It cannot be brought back. Asks first.',
    )
    .argument('<customer id>', 'whose key', customerId)
    .argument('<key id>', 'the key id, or its first 8 digits or more', keyName)
    .requiredOption('--reason <text>', 'why, for whoever reads the log later', reason)
    .option('--actor <name>', 'who does it', actor, ownName())
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
          `The key ${shortId(key.keyId)} is revoked since ${shortTime(revoked.revoked_at)} UTC.`,
        ]);
        return undefined;
      }),
    );
}

/** @throws Failure when the customer has no such key, or several whose ids begin so */
async function findKey({ deps }: Session['stage'], customerId: string, name: string): Promise<ListedKey> {
  await existingCustomer(deps.table, customerId);
  const [key, ...others] = (await listApiKeys(deps.table, customerId)).filter(({ keyId }) =>
    keyId.startsWith(name),
  );
  if (key === undefined) {
    const detail = `Customer ${customerId} has no key ${name}. See: keys list ${customerId}`;
    throw new Failure('api_key_not_found', detail, EXIT.refused);
  }
  if (others.length > 0) {
    const detail = `${others.length + 1} keys begin with ${name}: give more digits.`;
    throw new Failure('api_key_ambiguous', detail, EXIT.refused);
  }
  return key;
}

const keyLines = (listed: readonly ListedKey[], width: number): string[] =>
  tableLines(
    [{ heading: 'key id' }, { heading: 'state' }, { heading: 'issued (UTC)' }, { heading: 'revoked (UTC)' }],
    listed.map(({ keyId, createdAt, revokedAt }) => [
      keyId,
      revokedAt === null ? 'active' : 'revoked',
      shortTime(createdAt),
      revokedAt === null ? '' : shortTime(revokedAt),
    ]),
    width,
  );

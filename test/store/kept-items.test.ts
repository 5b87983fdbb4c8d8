import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BilledFacts } from '../../lib/domain/fix-attempt.ts';
import type { Notice } from '../../lib/domain/notice.ts';
import { keyIssued } from '../../lib/domain/notices/key-notices.ts';
import { issueKey, revokeKey } from '../../lib/operations/accounts/api-keys.ts';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { recordFixAttempt } from '../../lib/operations/fixes/record-fix-attempt.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { listApiKeys, putApiKey } from '../../lib/store/api-keys.ts';
import { markClosingDone, openClosing, openClosingOf } from '../../lib/store/closing.ts';
import { listDueWork } from '../../lib/store/due-work.ts';
import {
  announceCharge,
  anonymiseFix,
  billChargedFix,
  decodeFix,
  noteBlocked,
} from '../../lib/store/fix-attempts.ts';
import { keepInvoice } from '../../lib/store/guards.ts';
import { type Key, keys } from '../../lib/store/keys.ts';
import { putNotice } from '../../lib/store/notices.ts';
import { readTogether, type Write, writeTogether } from '../../lib/store/table.ts';
import { recordedFix } from '../support/customers.ts';
import { documents, middlewareOf } from '../support/documents.ts';
import { customerWith, newFix, range } from '../support/fixtures.ts';
import { chargeOf } from '../support/heads.ts';
import { guardOf } from '../support/invoices.ts';
import { unsentOf } from '../support/notices.ts';
import { openTestTable, testDeps } from '../support/table.ts';

/* What is stored beside the ledger, and what it must not overwrite. */

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-01-02T03:04:05.678Z');
const at = (ms: number): Date => new Date(AT.getTime() + ms);

async function read(key: Key) {
  const [item] = await readTogether(deps.table, [key]);
  return item;
}

async function remove(key: Key): Promise<void> {
  await documents(deps.table).send(new DeleteCommand({ TableName: deps.table.name, Key: { ...key } }));
}

const write = async (item: Write) => (await writeTogether(deps.table, [item])).kind;

describe('the keys of a customer', () => {
  it('the keys of a customer are listed oldest first, whatever their names', async () => {
    const { head, keyId } = await customerWith(deps, 5);
    const { customerId } = head;
    const issued = [keyId];
    for (const n of range(1, 6)) {
      const now = () => new Date(Date.now() + n * 1_000);
      issued.push((await issueKey({ ...deps, now }, customerId)).keyId);
    }
    await revokeKey({ ...deps, now: () => AT }, customerId, keyId);
    const listed = await listApiKeys(deps.table, customerId);
    expect(listed.map((key) => key.keyId)).toEqual(issued);
    expect(listed.map(({ revokedAt }) => revokedAt)).toEqual([
      AT.toISOString(),
      ...range(1, 6).map(() => null),
    ]);
  });

  it('a key is not added if the customer is gone', async () => {
    const customerId = 'e'.repeat(32);
    const notice = keyIssued(customerId, 'k', 'customer', AT);
    const key = {
      keyId: 'k',
      name: null,
      scope: 'account',
      isTest: false,
      createdAt: AT.toISOString(),
    } as const;
    expect(await putApiKey(deps.table, customerId, key, notice)).toEqual({
      kind: 'closed',
    });
    expect(await read(keys.apiKey(customerId, 'k'))).toBeUndefined();
  });
});

describe('the closing of an account', () => {
  it('a closing is open with address and time until it ends, and then has no address', async () => {
    const customerId = 'f'.repeat(32);
    expect(openClosingOf(undefined)).toBeNull();
    expect(await write(openClosing(customerId, 'a@example.com', AT))).toBe('written');
    const item = await read(keys.closing(customerId));
    expect(item).toMatchObject({ due: 'charge', due_at: AT.toISOString() });
    expect(openClosingOf(item)).toEqual({
      email: 'a@example.com',
      closedAt: AT.toISOString(),
      clearedTo: null,
    });
    await markClosingDone(deps.table, customerId);
    const ended = await read(keys.closing(customerId));
    expect(ended).toEqual({ ...keys.closing(customerId), closed_at: AT.toISOString() });
    expect(openClosingOf(ended)).toBeNull();
  });

  it('an incomplete closing is reported', () => {
    const item = { ...keys.closing('f'.repeat(32)), due: 'charge' };
    expect(() => openClosingOf(item)).toThrow('email');
  });
});

describe('a fix attempt', () => {
  const CHARGE = chargeOf({ startedAt: AT.toISOString() });
  const BILLED: BilledFacts = {
    outcome: 'charged_and_consumed',
    amountCents: 2_900,
    billedAt: AT.toISOString(),
    seq: 3,
    paymentIntentId: 'pi_1',
    spendingMonth: null,
  };

  it('a billed fix cannot be charged, billed by a payment, or marked as blocked', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const id = await recordedFix(deps, customerId, 1);
    await billFixAttempt(deps, customerId, id);
    const before = await read(keys.fix(customerId, id));
    const asRead = { id, charge: null };
    expect(await write(announceCharge(customerId, asRead, CHARGE))).toBe('refused');
    expect(await write(billChargedFix(customerId, asRead, BILLED, 1))).toBe('refused');
    expect(await write(noteBlocked(customerId, asRead, 1))).toBe('refused');
    expect(await read(keys.fix(customerId, id))).toEqual(before);
  });

  it('a fix is billed by a payment even if no charge of it is stored', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const id = await recordedFix(deps, customerId, 1);
    expect(await write(billChargedFix(customerId, { id, charge: null }, BILLED, 1))).toBe('written');
    const stored = await read(keys.fix(customerId, id));
    expect(stored).toMatchObject({ billed: { outcome: 'charged_and_consumed', payment_intent_id: 'pi_1' } });
    expect(stored && decodeFix(stored).charge).toBeNull();
  });

  it('a fix of a closed account keeps only what the ledger names', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const { fix } = await recordFixAttempt(deps, customerId, {
      ...newFix(1),
      issueNumber: 7,
      issueTitle: 'title',
      issueUrl: 'https://example.com/7',
      vulnerabilityId: 'CVE-2026-1',
      metadataJson: '{"a":1}',
    });
    await anonymiseFix(deps.table, customerId, fix.id);
    const stored = await read(keys.fix(customerId, fix.id));
    expect(stored && decodeFix(stored)).toEqual({
      ...fix,
      prTitle: '',
      prUrl: '',
      issueNumber: null,
      issueTitle: null,
      issueUrl: null,
      vulnerabilityId: null,
      metadataJson: null,
    });
  });
});

describe('an invoice', () => {
  it('an invoice guard is stored once by concurrent callers', async () => {
    const guard = guardOf({ invoiceId: 'in_kept' });
    const keep = () => write(keepInvoice('d'.repeat(32), guard, null));
    expect([await keep(), await keep()]).toEqual(['written', 'refused']);
  });
});

describe('the list of notices that were not sent', () => {
  const customerId = 'c'.repeat(32);
  const notice = (id: string): Notice => ({
    customerId,
    id,
    createdAt: AT.toISOString(),
    content: { kind: 'dispute', disputeId: id, amountCents: 1 },
  });

  it('the list of unsent notices leaves out sent, muted and removed ones, even if the index is stale', async () => {
    for (const id of ['waits', 'sent', 'muted', 'removed']) await write(putNotice(notice(id)));
    for (const state of ['sent', 'muted']) {
      await documents(deps.table).send(
        new UpdateCommand({
          TableName: deps.table.name,
          Key: keys.notice(customerId, 'dispute', state),
          UpdateExpression: 'SET #state = :state',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: { ':state': state },
        }),
      );
    }
    middlewareOf(deps.table).add(
      (next, context) => async (args) => {
        if (context.commandName === 'BatchGetItemCommand')
          await remove(keys.notice(customerId, 'dispute', 'removed'));
        return next(args);
      },
      { step: 'initialize', priority: 'high', name: 'removed' },
    );
    const listed = unsentOf(deps.table, at(1)).finally(() => middlewareOf(deps.table).remove('removed'));
    const own = (await listed).filter((one) => one.customerId === customerId);
    expect(own.map(({ id }) => id)).toEqual(['waits']);
  });
});

describe('work that is due', () => {
  it('unreadable due work is reported as a failed read', async () => {
    middlewareOf(deps.table).add(
      () => async () => {
        throw new Error('no answer');
      },
      { step: 'initialize', priority: 'high', name: 'silent' },
    );
    const asked = listDueWork(deps.table, 'charge', AT, 1).finally(() =>
      middlewareOf(deps.table).remove('silent'),
    );
    await expect(asked).rejects.toThrow(/^Reading the ledger failed/);
  });
});

import { TransactionConflictException } from '@aws-sdk/client-dynamodb';
import type { Table } from '../../lib/store/table.ts';
import { middlewareOf } from './documents.ts';

/** The first `count` transactions during `work` conflict with another one, and write nothing. */
export async function withConflicts<T>(table: Table, count: number, work: () => Promise<T>): Promise<T> {
  let left = count;
  middlewareOf(table).add(
    (next, context) => async (args) => {
      if (context.commandName === 'TransactWriteItemsCommand' && left > 0) {
        left -= 1;
        throw new TransactionConflictException({ message: 'busy', $metadata: {} });
      }
      return next(args);
    },
    { step: 'initialize', priority: 'high', name: 'conflicts' },
  );
  return work().finally(() => middlewareOf(table).remove('conflicts'));
}

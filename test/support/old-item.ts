import type { AttributeValue, ServiceOutputTypes } from '@aws-sdk/client-dynamodb';
import type { Table } from '../../lib/store/table.ts';
import { middlewareOf } from './documents.ts';

type Stored = Record<string, AttributeValue>;

/**
 * Runs `work`. Its first call that reads both items gets `old` as it was before `other`, and `beside` as it is
 * after it: items that are read in one call are not a snapshot. Both are starts of sort keys.
 */
export async function readingOldItem<T>(
  table: Table,
  { old, beside }: { readonly old: string; readonly beside: string },
  other: () => Promise<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  const isOld = ({ sk }: Stored): boolean => sk?.S?.startsWith(old) === true;
  const name = 'old-item';
  let wasRead = false;
  middlewareOf(table).add(
    (next) => async (args) => {
      const wanted = JSON.stringify(args.input);
      if (wasRead || ![old, beside].every((sk) => wanted.includes(`"${sk}`))) return next(args);
      wasRead = true;
      const [before] = itemsOf(await next(args)).filter(isOld);
      await other();
      const answer = await next(args);
      const items = itemsOf(answer);
      if (before === undefined || !items.some(isOld)) throw new Error(`No item starts with ${old}.`);
      items[items.findIndex(isOld)] = before;
      return answer;
    },
    { step: 'initialize', priority: 'high', name },
  );
  const result = await work().finally(() => middlewareOf(table).remove(name));
  if (!wasRead) throw new Error(`No call read ${old} and ${beside} together.`);
  return result;
}

/** The items of a batch read, which the caller may change. */
function itemsOf({ output }: { readonly output: ServiceOutputTypes }): Stored[] {
  const responses = 'Responses' in output ? output.Responses : undefined;
  if (responses === undefined || Array.isArray(responses)) throw new Error('This is no batch read.');
  return Object.values(responses)[0] ?? [];
}

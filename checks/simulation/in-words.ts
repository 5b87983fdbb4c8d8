import type { Key } from '../../lib/store/keys.ts';
import type { Request, SingleWrite } from '../../test/support/table-model/requests.ts';

/* How calls and ids look in a trace. */

/** An id of the double. Its end is random, and the rest identifies the object. */
export const STRIPE_ID = /\b([a-z]+_\w{6})[0-9a-f]{18}\b/g;

/** Shortens ids to a part that is unique within an episode. */
export const abbreviated = (text: string): string =>
  text.replaceAll(STRIPE_ID, '$1').replaceAll(/\b([0-9a-f]{8})[0-9a-f]{24,}\b/g, '$1…');

/** A call to the table, for the trace. */
export function described(request: Request): string {
  switch (request.kind) {
    case 'get':
      return `get ${nameOf(request.Key)}`;
    case 'batch_get':
      return `read ${request.Keys.map(nameOf).join(', ')}`;
    case 'query':
      return `query ${request.index ?? ''} ${JSON.stringify(request.bindings.values)}`;
    case 'scan':
      return 'scan';
    case 'write':
      return describeWrite(request.write);
    case 'transact':
      return request.writes.map(describeWrite).join(', ');
    default:
      return request satisfies never;
  }
}

const describeWrite = ({ key, change }: SingleWrite): string => `${change.kind} ${nameOf(key)}`;
const nameOf = ({ pk, sk }: Key): string => `${pk} ${sk}`;

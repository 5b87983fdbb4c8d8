import { isOpenKind } from '../operations/work/work-kind.ts';
import type { DueWork } from '../store/due-work.ts';
import type { OpenWork } from './contracts.ts';

/** Open work by its ids; an item of unknown kind by its key. */
export function openWorkOf({ item, key }: DueWork): OpenWork {
  const { kind, customerId, id } = item;
  if (!isOpenKind(kind)) return { kind: 'unknown', customer_id: key.pk, id: key.sk };
  return { kind, customer_id: customerId, id };
}

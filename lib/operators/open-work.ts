import type { DueWork } from '../store/due-work.ts';
import type { OpenWork } from './contracts.ts';

/** A piece of work with money in it, by its ids; what is no such work, by its key. */
export function openWorkOf({ item, key }: DueWork): OpenWork {
  switch (item.kind) {
    case 'fix':
      return { kind: 'fix', customer_id: item.customerId, id: item.fixId };
    case 'order':
      return { kind: 'order', customer_id: item.customerId, id: null };
    case 'double_payment':
      return { kind: 'double_payment', customer_id: item.customerId, id: item.paymentIntentId };
    case 'closing':
      return { kind: 'closing', customer_id: item.customerId, id: null };
    case 'event':
    case 'head':
    case 'notice':
    case 'unknown':
      return { kind: 'unknown', customer_id: key.pk, id: key.sk };
    default:
      return item satisfies never;
  }
}

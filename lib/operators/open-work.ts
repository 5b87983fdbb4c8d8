import type { DueItem } from '../store/keys.ts';
import type { OpenWork } from './contracts.ts';

/** A piece of work with money in it, by its ids; null for what is no such work. */
export function openWorkOf(item: DueItem): OpenWork | null {
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
      return null;
    default:
      return item satisfies never;
  }
}

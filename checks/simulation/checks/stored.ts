import type { Key } from '../../../lib/store/keys.ts';
import type { Item } from '../../../lib/store/table.ts';
import type { TableModel } from '../../../test/support/table-model/model.ts';

/** All items of the table at the end of an episode. */
export class Stored {
  readonly heads: Item[] = [];
  readonly fixes: Item[] = [];
  readonly entries: Item[] = [];
  readonly all: readonly Item[];
  readonly #byKey = new Map<string, Item>();

  constructor(model: TableModel) {
    this.all = [...model.items()];
    for (const item of this.all) {
      this.#byKey.set(`${item['pk']} ${item['sk']}`, item);
      if (item['sk'] === 'LEDGER#HEAD') this.heads.push(item);
      if (String(item['sk']).startsWith('FIX#')) this.fixes.push(item);
      if (/^LEDGER#\d/.test(String(item['sk']))) this.entries.push(item);
    }
  }

  find({ pk, sk }: Key): Item | undefined {
    return this.#byKey.get(`${pk} ${sk}`);
  }

  /** The customer that a Stripe customer is bound to. Undefined if it is not bound. */
  ownerOf(stripeCustomerId: string): string | undefined {
    const binding = this.find({ pk: `STRIPE#${stripeCustomerId}`, sk: 'STRIPE' });
    return binding === undefined ? undefined : String(binding['customer_id']);
  }

  under(pk: string, prefix: string): Item[] {
    return this.all.filter((item) => item['pk'] === pk && String(item['sk']).startsWith(prefix));
  }
}

/** A field of a map in an item, if both exist. */
export function fieldOf(item: Item | undefined, name: string, field: string): unknown {
  const value = item?.[name];
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
}

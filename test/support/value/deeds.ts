import * as money from './money.ts';
import * as plans from './plans.ts';
import type { Deed } from './world.ts';

/** Each with how often it happens beside the others. */
export const VALUE_DEEDS = {
  subscribe: [5, plans.subscribe],
  changeItem: [6, plans.changeItem],
  addSecondItem: [2, plans.addSecondItem],
  endTrial: [1, plans.endTrial],
  cancel: [2, plans.cancel],
  payInvoice: [4, money.payInvoice],
  finalize: [2, money.finalize],
  giveUp: [1, money.giveUp],
  payPart: [4, money.payPart],
  refund: [6, money.refund],
  answer: [4, money.answer],
  dispute: [3, money.dispute],
  moveDispute: [5, money.moveDispute],
  creditNote: [6, money.creditNote],
  creditLines: [4, money.creditLines],
  voidNote: [2, money.voidNote],
  giveBalance: [1, plans.giveBalance],
  changeCard: [1, plans.changeCard],
  spend: [4, plans.spend],
  passTime: [7, plans.passTime],
} as const satisfies Readonly<Record<string, readonly [number, Deed]>>;

export type ValueDeed = keyof typeof VALUE_DEEDS;

const isValueDeed = (name: string): name is ValueDeed => Object.hasOwn(VALUE_DEEDS, name);

export const VALUE_DEED_NAMES: readonly ValueDeed[] = Object.keys(VALUE_DEEDS).filter(isValueDeed);

import * as cardholders from './cardholders.ts';
import type { Deed } from './deed.ts';
import { outage } from './outage.ts';
import * as sellers from './sellers.ts';
import * as staff from './staff.ts';

/** What people do at Stripe. The plan draws each deed by its weight, relative to the weights in plan.ts. */
export const DEEDS = {
  refund: { weight: 4, deed: cardholders.refund },
  answer_refund: { weight: 1, deed: cardholders.answerRefunds },
  dispute: { weight: 1.5, deed: cardholders.dispute },
  escalate: { weight: 1.5, deed: cardholders.escalate },
  close_dispute: { weight: 1.5, deed: cardholders.endDispute },
  appeal: { weight: 0.5, deed: cardholders.appeal },
  authenticate: { weight: 5, deed: cardholders.confirm },
  detach_card: { weight: 1, deed: cardholders.detachCard },
  cancel_at_stripe: { weight: 0.7, deed: cardholders.endSubscription },
  delete_at_stripe: { weight: 0.4, deed: cardholders.deleteCustomer },
  stripe_outage: { weight: 0.8, deed: outage },
  credit_note: { weight: 1.5, deed: staff.creditNote },
  credit_open_invoice: { weight: 0.7, deed: staff.creditOpenInvoice },
  void_credit_note: { weight: 0.7, deed: staff.voidCreditNote },
  change_seats: { weight: 1.5, deed: staff.changeSeats },
  cancel_with_credit: { weight: 0.7, deed: staff.cancelWithCredit },
  set_cancel_date: { weight: 1, deed: staff.setCancelDate },
  pause_collection: { weight: 1.5, deed: staff.pauseCollection },
  subscribe_by_hand: { weight: 1, deed: staff.subscribeByHand },
  pay_in_parts: { weight: 1, deed: staff.payInParts },
  settle_invoice: { weight: 1, deed: staff.settleInvoice },
  give_balance: { weight: 0.7, deed: staff.adjustBalance },
  change_default_card: { weight: 1.5, deed: staff.changeDefaultCard },
  set_own_card: { weight: 0.5, deed: staff.setOwnCard },
  start_trial: { weight: 0.7, deed: sellers.startTrial },
  end_trial: { weight: 0.5, deed: sellers.endTrial },
  pay_fix_twice: { weight: 1, deed: sellers.payFixTwice },
  refund_part: { weight: 1.5, deed: sellers.refundPart },
  sell_other_product: { weight: 0.5, deed: staff.sellOtherProduct },
} as const satisfies Readonly<Record<string, { readonly weight: number; readonly deed: Deed }>>;

export type DeedKind = keyof typeof DEEDS;

export const isDeed = (kind: string): kind is DeedKind => Object.hasOwn(DEEDS, kind);

export const DEED_KINDS: readonly DeedKind[] = Object.keys(DEEDS).filter(isDeed);

import { type AppliedEvent, applyEvent } from '../../lib/operations/events/apply-event.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import type { StripeEvent } from '../../lib/stripe/event.ts';
import type { StripePort } from '../../lib/stripe/port.ts';

/** A delivery that has Stripe's answer and continues when released. */
export interface HeldDelivery {
  release(): Promise<AppliedEvent>;
}

/** Starts to deliver an event and holds Stripe's answer to the nth call of `question`. */
export async function deliverHolding(
  deps: PaymentDeps,
  event: StripeEvent,
  question: keyof StripePort,
  nth = 1,
): Promise<HeldDelivery> {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let count = 0;
  const port = new Proxy(await deps.stripe(), {
    get: (target, name, receiver) => {
      const call: unknown = Reflect.get(target, name, receiver);
      if (typeof call !== 'function' || name !== question) return call;
      return async (...args: unknown[]) => {
        const answer: unknown = await call.apply(target, args);
        count += 1;
        if (count === nth) {
          reached.resolve();
          await gate.promise;
        }
        return answer;
      };
    },
  });
  const delivery = applyEvent({ ...deps, stripe: async () => port }, event);
  // If the delivery fails or ends before that call, the test must fail.
  await Promise.race([
    reached.promise,
    delivery.then(() => Promise.reject(new Error(`the delivery never called ${question}`))),
  ]);
  return {
    release: () => {
      gate.resolve();
      return delivery;
    },
  };
}

import fc from 'fast-check';
import { HANDLED_EVENT_TYPES } from '../../lib/stripe/event-types.ts';
import { hostileText, hostileValue, MARKER, NOBODYS_KEY } from './hostile.ts';

/** Ids that change their target when they are put into a URL or a key. */
const STRAY_IDS = [
  '.',
  '..',
  '/',
  '../customers',
  '?x=1',
  '#',
  '%2e%2e',
  'cus_\u0000',
  '\ud800',
  'i'.repeat(3_000),
];

const LARGE = 500_000;

/** The log shows an event's id, type, version and subject, because these are Stripe's own words. */
const loggable = hostileText.filter((text) => !text.includes(MARKER) && text !== NOBODYS_KEY);

/**
 * Signed events with fields that Stripe does not send today. An event of a new type, or of an unknown
 * version, can arrive any day.
 * @param knownIds ids of Stripe's objects
 */
export function wildEvents(knownIds: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  const id = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...knownIds) },
    { weight: 2, arbitrary: fc.constantFrom(...STRAY_IDS) },
    { weight: 1, arbitrary: loggable },
  );
  const reference = fc.oneof(id, fc.record({ id }), fc.constantFrom(null, 5, [], {}));
  const object = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record(
        {
          id,
          customer: reference,
          charge: reference,
          amount: hostileValue,
          metadata: hostileValue,
          status: hostileValue,
        },
        { requiredKeys: ['id'] },
      ),
    },
    { weight: 1, arbitrary: hostileValue },
  );
  const plain = fc.record({
    id: fc.stringMatching(/^evt_\w{1,250}$/),
    object: fc.constant('event'),
    type: fc.oneof(fc.constantFrom<string>(...HANDLED_EVENT_TYPES), fc.constant('product.created')),
    api_version: fc.constant('2026-10-28.endive'),
    created: fc.integer({ min: 0, max: 4_000_000_000 }),
    livemode: fc.constant(false),
    data: fc.record({
      object,
      previous_attributes: fc.oneof(fc.record({ customer: reference }), hostileValue),
    }),
  });
  const wild = fc.record(
    {
      id: fc.oneof(loggable, fc.constant('evt_é')),
      type: fc.oneof(loggable, fc.constant('t'.repeat(200))),
      api_version: fc.oneof(
        hostileValue,
        fc.constant(`${'v'.repeat(LARGE)}.acacia`),
        fc.constant('x.endive'),
      ),
      created: fc.oneof(fc.nat({ max: Number.MAX_SAFE_INTEGER }), hostileValue),
      livemode: hostileValue,
      data: hostileValue,
      pending_webhooks: hostileValue,
    },
    { requiredKeys: [] },
  );
  return fc.oneof(
    { weight: 3, arbitrary: plain },
    { weight: 1, arbitrary: fc.tuple(plain, wild).map(([event, odd]) => ({ ...event, ...odd })) },
  );
}

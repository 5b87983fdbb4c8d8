/*
 * `TEST_DATE=2028-02-29 npm test` runs the tests as if they started at that time. Time then passes as usual.
 * This finds tests that pass only on certain days. `npm run check:dates` runs the most unusual days.
 */

const configured = process.env['TEST_DATE'];
if (configured !== undefined && configured !== '') shiftTo(Date.parse(configured));

function shiftTo(startMs: number): void {
  if (Number.isNaN(startMs)) throw new Error(`TEST_DATE is "${configured}", which is not a time`);
  const RealDate = globalThis.Date;
  const aheadMs = startMs - RealDate.now();
  const nowMs = () => RealDate.now() + aheadMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [nowMs()] : args, newTarget),
    get: (target, name, receiver) => (name === 'now' ? nowMs : Reflect.get(target, name, receiver)),
  });
}

/*
 * `TEST_DATE=2028-02-29 npm test` runs the tests as if they started at that moment. Time passes as usual from there. Tests that
 * pass on one day of the calendar only are found like this; `npm run check:dates` does it for the days that differ most.
 */

const asked = process.env['TEST_DATE'];
if (asked !== undefined && asked !== '') shiftTo(Date.parse(asked));

function shiftTo(startMs: number): void {
  if (Number.isNaN(startMs)) throw new Error(`TEST_DATE is "${asked}", which is no moment`);
  const RealDate = globalThis.Date;
  const aheadMs = startMs - RealDate.now();
  const nowMs = () => RealDate.now() + aheadMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [nowMs()] : given, newTarget),
    get: (target, name, receiver) => (name === 'now' ? nowMs : Reflect.get(target, name, receiver)),
  });
}

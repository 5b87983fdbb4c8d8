/*
 * Vitest keeps 100 lines of a stack and maps each line to its source. Ten lines say as much about a failed
 * test. Stripe's SDK reads a stack for each request, in case the request fails. To map these stacks took a
 * fifth of all tests' time, so they stay empty: our errors name the call.
 */
Error.stackTraceLimit = 10;

const mapped = Error.prepareStackTrace;
if (mapped !== undefined && mapped.name !== 'withoutRequests') {
  Error.prepareStackTrace = function withoutRequests(error, lines) {
    return lines[0]?.getFunctionName() === '_makeRequest' ? '' : mapped(error, lines);
  };
}

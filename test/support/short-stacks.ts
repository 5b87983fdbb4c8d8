/*
 * Stripe's SDK writes down a stack for each request. Vitest keeps 100 lines of a stack and maps each line to
 * its source, which was a twentieth of all tests' time. Ten lines say as much about a failed test.
 */
Error.stackTraceLimit = 10;

/*
 * Loads the bundle named on the command line as Lambda would. Reports on file descriptor 3, in milliseconds:
 * the time from the process start to the loaded bundle, the CPU time until then, and the time from the
 * process start to the handler's first answer. This file imports nothing before the bundle: the bundle would
 * get that import for free.
 */
const [, , bundle, event] = process.argv;
const { handler } = await import(String(bundle));
const loadedMs = process.uptime() * 1_000;
const { user, system } = process.cpuUsage();
// A scheduled function has no request to answer.
if (handler !== undefined && event !== undefined)
  await handler(JSON.parse(String(event)), { awsRequestId: 'bench' });
const answeredMs = process.uptime() * 1_000;
const { writeSync } = await import('node:fs');
writeSync(3, JSON.stringify({ loadedMs, loadedCpuMs: (user + system) / 1_000, answeredMs }));
process.exit(0);

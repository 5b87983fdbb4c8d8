/*
 * Loads the bundle named on the command line as Lambda would, and says on file descriptor 3 how many milliseconds
 * after the start of this process it was loaded, how long that took of the processors, and when its handler had given
 * a first answer.
 * It imports nothing before that: what it loaded, the bundle would have for free.
 */
const [, , bundle, event] = process.argv;
const { handler } = await import(String(bundle));
const loadedMs = process.uptime() * 1_000;
const { user, system } = process.cpuUsage();
// What a schedule starts has no request to answer.
if (handler !== undefined && event !== undefined)
  await handler(JSON.parse(String(event)), { awsRequestId: 'bench', getRemainingTimeInMillis: () => 10_000 });
const answeredMs = process.uptime() * 1_000;
const { writeSync } = await import('node:fs');
writeSync(3, JSON.stringify({ loadedMs, loadedCpuMs: (user + system) / 1_000, answeredMs }));
process.exit(0);

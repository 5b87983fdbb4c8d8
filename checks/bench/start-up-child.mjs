/*
 * Loads the bundle named on the command line as Lambda would. Writes to file descriptor 3 when the bundle was
 * loaded and when its handler had answered: milliseconds since the start of this process, and of processor
 * time. Then loads the bundle's other files too, and says whether anything has loaded Node's `fetch`.
 * Imports nothing before the bundle, which would otherwise find it loaded already.
 */
const [, , bundle, event, ...files] = process.argv;
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const { handler } = await import(String(bundle));
const loadedMs = process.uptime() * 1_000;
const loadedCpuMs = cpuMs();
// A scheduled function has no request to answer.
if (handler !== undefined && event)
  await handler(JSON.parse(event), { awsRequestId: 'bench', getRemainingTimeInMillis: () => 10_000 });
const answeredMs = process.uptime() * 1_000;
const answeredCpuMs = cpuMs();
for (const file of files) await import(file);
const loadsFetch = process.moduleLoadList.some((name) => name.includes('internal/deps/undici/undici'));
const { writeSync } = await import('node:fs');
writeSync(3, JSON.stringify({ loadedMs, loadedCpuMs, answeredMs, answeredCpuMs, loadsFetch }));
process.exit(0);

import { vi } from 'vitest';

/*
 * The functions read their settings once, when they are loaded. So each test file loads our modules again,
 * with the environment that the worker began with. The installed packages stay loaded, which saves a second
 * for each file.
 */

declare global {
  var firstEnvironment: NodeJS.ProcessEnv | undefined;
}

globalThis.firstEnvironment ??= { ...process.env };
for (const name of Object.keys(process.env)) {
  if (!(name in globalThis.firstEnvironment)) delete process.env[name];
}
Object.assign(process.env, globalThis.firstEnvironment);
vi.resetModules();

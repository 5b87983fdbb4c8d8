import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { expect, it, onTestFinished, vi } from 'vitest';
import { actor, ownName } from '../../cli/terminal/arguments.ts';

it('the default actor is the user id if the system has no user name, as in a container', () => {
  const userInfo = vi.spyOn(os, 'userInfo').mockImplementation(() => {
    throw new Error('uv_os_get_passwd returned ENOENT');
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    userInfo.mockRestore();
    syncBuiltinESMExports();
  });
  const name = ownName();
  expect(name).toMatch(/^uid \d+$/);
  expect(actor(name)).toBe(name);
});

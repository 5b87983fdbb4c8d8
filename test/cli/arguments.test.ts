import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { expect, it, onTestFinished, vi } from 'vitest';
import { actor, ownName } from '../../cli/terminal/arguments.ts';

it('knows whoever has no name on this machine, as in a container, by their number', () => {
  const asked = vi.spyOn(os, 'userInfo').mockImplementation(() => {
    throw new Error('uv_os_get_passwd returned ENOENT');
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    asked.mockRestore();
    syncBuiltinESMExports();
  });
  const name = ownName();
  expect(name).toMatch(/^uid \d+$/);
  expect(actor(name)).toBe(name);
});

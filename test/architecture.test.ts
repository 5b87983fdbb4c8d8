import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`);

const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/from '([^']+)'|import\('([^']+)'\)/g)].map((match) =>
    String(match[1] ?? match[2]),
  );

describe('the shape of the code', () => {
  it('the domain knows no AWS, no Stripe, no environment, no clock and no chance', () => {
    for (const file of filesIn('lib/domain')) {
      for (const imported of importsOf(file))
        expect([file, imported]).toEqual([file, expect.stringMatching(/^\.\/|^node:crypto$/)]);
      expect(readFileSync(file, 'utf8'), file).not.toMatch(
        /process\.|Date\.now|new Date\(\)|Math\.random|randomBytes|randomUUID/,
      );
    }
  });

  it('only the store speaks to DynamoDB; operations know neither HTTP nor Lambda', () => {
    for (const file of filesIn('lib').filter((name) => !name.startsWith('lib/store/'))) {
      const aws = importsOf(file).filter((imported) => imported.startsWith('@aws-sdk'));
      expect([file, aws]).toEqual([file, []]);
    }
    for (const file of filesIn('lib/operations')) {
      const http = importsOf(file).filter((imported) => /\/http\/|aws-lambda|middy/.test(imported));
      expect([file, http]).toEqual([file, []]);
    }
  });

  it('one file a function, each named in serverless.yml', () => {
    const deployed = [
      ...readFileSync('serverless.yml', 'utf8').matchAll(/handler: functions\/([\w-]+)\.handler/g),
    ];
    const files = filesIn('functions').map((file) => file.replace(/^functions\/|\.ts$/g, ''));
    expect(deployed.map(([, name]) => name).sort()).toEqual(files.sort());
  });
});

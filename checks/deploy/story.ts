import { readDefinition } from '../../cli/doctor/definition.ts';
import type { Template } from '../../infrastructure/template.ts';
import type { Stage } from '../template/package-stage.ts';
import { asRoot } from './account.ts';
import type { Emulator } from './emulator.ts';
import { closeAccount, operateAccount, useAccount } from './journey.ts';
import { type DoctorReport, Operator } from './operator.ts';
import { type Packaged, packaged } from './package.ts';
import { Fault, type Parts } from './parts.ts';
import { PLANTED, type Search } from './planted.ts';
import { assumeOperator, completeTable, type Scene, SKIPPED_TABLE_SETTINGS, setUpStage } from './scene.ts';
import { Deployer, outputOf, physical } from './stack.ts';
import type { Stripe } from './stripe.ts';
import { STUBS, stubbed } from './stubs.ts';
import { mustFail, nothingDenied, onlyLocal, probe, reconcile, remove, update } from './verdicts.ts';

/** The stage that is most like production, among those that `smoke` accepts. */
const STAGE: Stage = 'staging';

interface Around {
  readonly emulator: Emulator;
  readonly stripe: Stripe;
  readonly folder: string;
}

/** The whole story of a stage, from its packages to its removal. @throws Fault, or what a part throws */
export async function deployAndUse(parts: Parts, { emulator, stripe, folder }: Around): Promise<void> {
  const root = asRoot(emulator.endpoint);
  const deployer = new Deployer(root);
  const definition = readDefinition(STAGE);
  const { stackName } = definition;
  try {
    const release = await parts.run(
      'package',
      () => packaged(STAGE, folder),
      ({ whole }) => `${Object.keys(whole.Resources).length} resources of ${STAGE}`,
    );
    const places = { emulator: emulator.endpoint, stripe: stripe.url };
    const template = stubbed(release.whole, places);
    for (const { part, reason } of STUBS) console.log(`stub  ${part}: ${reason}`);
    const url = await parts.run(
      'deploy',
      () => deploy(deployer, stackName, release, template),
      (found) => `${Object.keys(template.Resources).length} resources, ${STUBS.length} stubs; ${found}`,
    );
    const scene: Scene = { definition, root, url, stripe };
    const resources = await deployer.resources(stackName);
    const operator = new Operator(
      scene,
      await assumeOperator(deployer, physical(resources, 'OperatorPolicy')),
    );
    await tryStage(parts, scene, operator);
    const account = await parts.run(
      'customer',
      () => useAccount(scene),
      () => 'every call of the API',
    );
    await parts.run(
      'probe',
      () => probe(deployer, stackName),
      (found) => found,
    );
    const search: Search = { operator, account };
    await parts.run(
      'operator',
      () => operateAccount(scene, operator, account),
      () => 'every command that writes',
    );
    await parts.run(
      'reconcile',
      () => reconcile(operator),
      (found) => found,
    );
    await parts.run(
      'update',
      () => update(deployer, stackName, release, template, search),
      (found) => found,
    );
    await parts.run(
      'close',
      () => closeAccount(operator, account),
      () => 'the account is closed',
    );
    await parts.run(
      'roles',
      () => nothingDenied(root, operator, template),
      (found) => found,
    );
    await parts.run(
      'addresses',
      () => onlyLocal(emulator),
      (found) => found,
    );
    for (const planted of PLANTED) {
      await parts.run(
        `without ${planted.action}`,
        () => mustFail(deployer, stackName, release, template, planted, search),
        (found) => found,
      );
    }
    await parts.run(
      'remove',
      () => remove(deployer, definition, template),
      (found) => found,
    );
  } finally {
    deployer.close();
  }
}

/** Returns the address of the API. */
async function deploy(deployer: Deployer, stackName: string, release: Packaged, template: Template) {
  // The framework protects the stage's stack against removal.
  await deployer.create(stackName, release.bucket, true);
  const stack = await deployer.update(stackName, template, release.folder);
  const made = await deployer.resources(stackName);
  const missing = Object.keys(template.Resources).filter((id) => !made.has(id));
  if (missing.length > 0) throw new Fault(`not made: ${missing.join(', ')}`);
  return outputOf(stack, 'ApiUrl');
}

/** `doctor` before and after the set-up, and `smoke`. */
async function tryStage(parts: Parts, scene: Scene, operator: Operator): Promise<void> {
  await parts.run(
    'doctor, new stage',
    async () => {
      const expected = [
        ...SKIPPED_TABLE_SETTINGS,
        ...['stripe-secret-key', 'stripe-webhook-secrets', 'stripe-pro-price-id', 'mail-sender'],
      ];
      const found = wrongOf(await operator.doctor());
      if (found.toSorted().join() !== expected.toSorted().join())
        throw new Fault(`expected ${expected.join(', ')}; found ${found.join(', ')}`);
      return found;
    },
    (found) => `names what is missing: ${found.join(', ')}`,
  );
  await parts.run(
    'set-up',
    () => setUpStage(scene),
    () => 'Stripe, parameters, identity for mail',
  );
  await parts.run(
    'table',
    () => completeTable(scene),
    () => 'what doctor says of the table',
  );
  await parts.run(
    'doctor',
    () => fitStage(operator),
    (count) => `${count} checks, all ok`,
  );
  await parts.run(
    'smoke',
    () => operator.smoke(),
    (steps) => `${steps} steps`,
  );
}

const wrongOf = ({ checks }: DoctorReport): string[] =>
  checks.filter(({ state }) => state === 'wrong' || state === 'unknown').map(({ id }) => id);

async function fitStage(operator: Operator): Promise<number> {
  const { verdict, checks } = await operator.doctor();
  if (verdict === 'fit') return checks.length;
  const others = checks.filter(({ state }) => state !== 'ok' && state !== 'absent');
  throw new Fault(others.map(({ id, detail }) => `${id}: ${detail}`).join('; '));
}

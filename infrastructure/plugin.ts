import * as z from 'zod/mini';
import { faultsOf } from '../lib/settings/environment.ts';
import { isLiveStage } from '../lib/settings/stripe.ts';
import { alarmResources } from './alarms.ts';
import { backups } from './backup.ts';
import { addCanaries, versionId } from './canary.ts';
import { dashboard } from './dashboard.ts';
import { addGatewaySettings, domainOutputs } from './gateway.ts';
import { keepLogs } from './logs.ts';
import { operatorPolicy } from './operator-policy.ts';
import { passesPreflight } from './preflight.ts';
import { savedQueries } from './queries.ts';
import { describeRelease, readRelease, unreleasable } from './release.ts';
import { type DeployedService, readService } from './service.ts';
import type { Template } from './template.ts';
import { tidy } from './tidy.ts';

/** The parts of the framework that this plugin uses. The framework has no types for plugins. */
interface Framework {
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
  readonly configurationInput: { readonly params: Readonly<Record<string, unknown>> };
  readonly processedInput: { readonly commands: readonly string[] };
  readonly serviceDir: string;
  readonly service: {
    readonly functions: Record<string, FunctionSettings>;
    readonly provider: { readonly compiledCloudFormationTemplate: Template };
  };
  readonly configSchemaHandler: {
    defineFunctionProperties(provider: string, schema: unknown): void;
  };
  getProvider(name: 'aws'): {
    getStage(): string;
    getRegion(): string;
    getProfile(): string | undefined;
    readonly naming: { getLambdaLogicalId(functionKey: string): string };
  };
}

/** Options of the framework's command line. */
interface Options {
  readonly param?: readonly string[];
}

/** Our own settings of a function in serverless.yml. */
interface FunctionSettings {
  /** A new version first gets a share of the traffic, and is rolled back if an alarm becomes active. */
  readonly canary?: boolean;
  /** The operators' policy allows invoking it. */
  readonly operator?: boolean;
  /** The only stages with this function. Default: all stages. */
  readonly stages?: readonly string[];
  description?: string;
  versionFunction?: boolean;
}

const SETTINGS_SCHEMA = {
  properties: {
    canary: { type: 'boolean' },
    operator: { type: 'boolean' },
    stages: { type: 'array', items: { type: 'string' } },
  },
};

/**
 * Adds what the framework cannot describe to its template: alarms, dashboard, saved queries, backups,
 * operators' policy, canaries, and the settings of gateway and logs. Filters functions by stage. Examines the
 * account before a deploy, and refuses to remove the live stage.
 */
export default class DeployedShape {
  readonly hooks: Readonly<Record<string, () => void>>;
  readonly #framework: Framework;
  readonly #options: Options;
  #isReadyToDeploy = false;

  constructor(framework: Framework, options: Options) {
    this.#framework = framework;
    this.#options = options;
    framework.configSchemaHandler.defineFunctionProperties('aws', SETTINGS_SCHEMA);
    this.hooks = {
      initialize: () => this.#chooseFunctions(),
      'before:package:initialize': () => this.#prepare(),
      // Also runs for `deploy --package`, which packages nothing.
      'before:deploy:deploy': () => this.#beforeDeploy(),
      'before:remove:remove': () => this.#refuseRemoval(),
      'after:aws:package:finalize:mergeCustomProviderResources': () => this.#addResources(),
    };
  }

  #chooseFunctions(): void {
    const stage = this.#knownStage();
    const { functions } = this.#framework.service;
    for (const [key, settings] of Object.entries(functions)) {
      if (settings.stages?.includes(stage) === false) delete functions[key];
      if (settings.canary === true) settings.versionFunction = true;
    }
    // Reports invalid settings before anything is built.
    this.#service();
  }

  /** @throws the framework's own Error, which it prints without a stack, naming each invalid setting */
  #service(): DeployedService {
    const { naming } = this.#framework.getProvider('aws');
    try {
      return readService(this.#framework.service, this.#knownStage(), (key) =>
        naming.getLambdaLogicalId(key),
      );
    } catch (error) {
      if (!(error instanceof z.core.$ZodError)) throw error;
      throw new this.#framework.classes.Error(
        `serverless.yml or an option has an invalid setting. ${faultsOf(error)}`,
        'UNUSABLE_SETTING',
      );
    }
  }

  #prepare(): void {
    this.#requireRecipient();
    if (this.#framework.processedInput.commands[0] === 'deploy') this.#beforeDeploy();
    const { redeploy } = this.#service();
    const description = describeRelease(readRelease(this.#framework.serviceDir), redeploy);
    for (const settings of Object.values(this.#framework.service.functions)) {
      settings.description = description;
    }
  }

  /**
   * Runs before anything is built, or else before anything is uploaded.
   * @throws the framework's own Error if the deploy could not end well
   */
  #beforeDeploy(): void {
    if (this.#isReadyToDeploy) return;
    this.#refuseUnknownRelease();
    const service = this.#service();
    const { serviceDir } = this.#framework;
    const provider = this.#framework.getProvider('aws');
    if (
      service.preflight === 'run' &&
      !passesPreflight({ ...this.#options, serviceDir, service, provider })
    ) {
      throw new this.#framework.classes.Error(
        `Nothing was changed. Correct what is wrong above. In an emergency, --param preflight=skip deploys ` +
          'without this check.',
        'PREFLIGHT_FAILED',
      );
    }
    this.#isReadyToDeploy = true;
  }

  /** @throws the framework's own Error if production would run what no commit names */
  #refuseUnknownRelease(): void {
    const stage = this.#knownStage();
    const reason = isLiveStage(stage) ? unreleasable(readRelease(this.#framework.serviceDir)) : null;
    if (reason === null) return;
    throw new this.#framework.classes.Error(
      `${reason} Commit the changes, and deploy ${stage} from that commit.`,
      'UNKNOWN_RELEASE',
    );
  }

  /** @throws the framework's own Error if alarms of production would reach no person */
  #requireRecipient(): void {
    const { stage, alarmEmail, pagerUrl } = this.#service();
    if (!isLiveStage(stage) || alarmEmail !== '' || pagerUrl !== '') return;
    throw new this.#framework.classes.Error(
      `Alarms of ${stage} would reach no one. Set alarmEmail or pagerUrl of ${stage}, under params in ` +
        'serverless.yml.',
      'NO_ALARM_RECIPIENT',
    );
  }

  /** @throws the framework's own Error for the stage that takes real money */
  #refuseRemoval(): void {
    const stage = this.#knownStage();
    if (!isLiveStage(stage)) return;
    throw new this.#framework.classes.Error(
      `${stage} is not removed with a command: customers could no longer be billed or answered. ` +
        'docs/operate.md, "Remove a stage", has the steps.',
      'REMOVAL_REFUSED',
    );
  }

  #addResources(): void {
    const service = this.#service();
    const template = this.#framework.service.provider.compiledCloudFormationTemplate;
    Object.assign(
      template.Resources,
      alarmResources(service, (one) => versionId(template, one)),
      dashboard(service),
      savedQueries(service),
      operatorPolicy(service),
      backups(service),
    );
    addGatewaySettings(template, service);
    keepLogs(template, service);
    template.Outputs = { ...template.Outputs, ...domainOutputs(service) };
    addCanaries(template, service);
    tidy(template);
  }

  /**
   * @throws the framework's own Error, which it prints without a stack, for a stage that serverless.yml does
   * not define
   */
  #knownStage(): string {
    const stages = Object.keys(this.#framework.configurationInput.params).filter(
      (name) => name !== 'default',
    );
    const stage = this.#framework.getProvider('aws').getStage();
    if (stages.includes(stage)) return stage;
    throw new this.#framework.classes.Error(
      `There is no stage "${stage}". The stages are ${stages.join(', ')}; see params in serverless.yml.`,
      'UNKNOWN_STAGE',
    );
  }
}

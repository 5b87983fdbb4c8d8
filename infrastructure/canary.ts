import { alarmId, canaryAlarmOf, errorAlarmOf, rollbackAlarms } from './alarms.ts';
import type { DeployedFunction, DeployedService } from './service.ts';
import { arn, attribute, type Resource, ref, referencesIn, sub, type Template } from './template.ts';

const APPLICATION = 'CanaryApplication';
const ROLE = 'CanaryRole';
/** The alias through which the gateway calls a function with a canary. */
const ALIAS = 'live';
/**
 * Moves all traffic in one step, without alarms. CodeDeploy refuses a deployment while one of its alarms is
 * active. So with alarms, the release that fixes an incident could not be deployed during the incident.
 */
const ALL_AT_ONCE = 'LambdaAllAtOnce';

/**
 * Adds an alias between the gateway and each function with a canary. CodeDeploy moves the alias gradually to
 * a new version, and back to the old one if an alarm becomes active meanwhile.
 */
export function addCanaries(template: Template, service: DeployedService): void {
  const canaries = service.functions.filter(({ canary }) => canary);
  for (const canary of canaries) {
    const alias = aliasId(canary);
    for (const resource of Object.values(template.Resources)) callAlias(resource, canary, alias);
    const group = `${canary.logicalId}DeploymentGroup`;
    template.Resources[group] = deploymentGroup(canary, service);
    template.Resources[alias] = {
      Type: 'AWS::Lambda::Alias',
      // This reference also makes the group's alarms watch the new version before traffic moves to it.
      UpdatePolicy: {
        CodeDeployLambdaAliasUpdate: { ApplicationName: ref(APPLICATION), DeploymentGroupName: ref(group) },
      },
      Properties: {
        Name: ALIAS,
        FunctionName: ref(canary.logicalId),
        FunctionVersion: attribute(versionId(template, canary), 'Version'),
      },
    };
  }
  template.Resources[APPLICATION] = {
    Type: 'AWS::CodeDeploy::Application',
    Properties: { ComputePlatform: 'Lambda' },
  };
  template.Resources[ROLE] = codeDeployRole(canaries, service);
}

const aliasId = ({ logicalId }: DeployedFunction) => `${logicalId}LiveAlias`;

/** Replaces the function with the alias in the gateway's integration and in the permission to invoke it. */
function callAlias(resource: Resource, { logicalId }: DeployedFunction, alias: string): void {
  const { Type, Properties } = resource;
  if (
    Type === 'AWS::ApiGatewayV2::Integration' &&
    referencesIn(Properties?.['IntegrationUri']).has(logicalId)
  ) {
    resource.Properties = { ...Properties, IntegrationUri: ref(alias) };
  }
  if (Type === 'AWS::Lambda::Permission' && referencesIn(Properties?.['FunctionName']).has(logicalId)) {
    resource.Properties = { ...Properties, FunctionName: ref(alias) };
  }
}

/** Finds a function's version resource. The framework names it by a hash of the code and the settings. */
export function versionId({ Resources }: Template, { key, logicalId }: DeployedFunction): string {
  const found = Object.entries(Resources).find(
    ([, { Type, Properties }]) =>
      Type === 'AWS::Lambda::Version' && referencesIn(Properties?.['FunctionName']).has(logicalId),
  );
  if (found === undefined) throw new Error(`${key} has a canary, but no version.`);
  return found[0];
}

function deploymentGroup(canary: DeployedFunction, service: DeployedService): Resource {
  const alarms = [errorAlarmOf(canary.key), ...canaryAlarmOf(canary), ...rollbackAlarms(service)];
  return {
    Type: 'AWS::CodeDeploy::DeploymentGroup',
    Properties: {
      ApplicationName: ref(APPLICATION),
      ServiceRoleArn: attribute(ROLE, 'Arn'),
      DeploymentConfigName: `CodeDeployDefault.${service.shiftTraffic}`,
      DeploymentStyle: { DeploymentType: 'BLUE_GREEN', DeploymentOption: 'WITH_TRAFFIC_CONTROL' },
      AlarmConfiguration: {
        Enabled: service.shiftTraffic !== ALL_AT_ONCE,
        Alarms: alarms.map((alarm) => ({ Name: ref(alarmId(alarm)) })),
      },
      AutoRollbackConfiguration: {
        Enabled: true,
        Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'],
      },
    },
  };
}

/**
 * A role that may move only the aliases of these functions and read alarms. AWS's managed policy allows all
 * functions.
 */
function codeDeployRole(canaries: readonly DeployedFunction[], { name, stage }: DeployedService): Resource {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'codedeploy.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      },
      Policies: [
        {
          PolicyName: `${name}-${stage}-canary`,
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Action: ['lambda:GetAlias', 'lambda:GetProvisionedConcurrencyConfig', 'lambda:UpdateAlias'],
                Resource: canaries.flatMap(({ logicalId }) => [
                  attribute(logicalId, 'Arn'),
                  sub(`\${${logicalId}.Arn}:${ALIAS}`),
                ]),
              },
              {
                Effect: 'Allow',
                Action: ['cloudwatch:DescribeAlarms'],
                Resource: arn('cloudwatch', 'alarm:*'),
              },
            ],
          },
        },
      ],
    },
  };
}

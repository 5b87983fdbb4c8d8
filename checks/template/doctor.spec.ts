import { describe, expect, it } from 'vitest';
import { readDefinition } from '../../cli/doctor/definition.ts';
import { alarmsOf } from './alarm.ts';
import { packagedStages } from './stages.ts';

describe.each(packagedStages)('what doctor expects of $stage is what is deployed', ({ stage, template }) => {
  const expected = readDefinition(stage);
  const idsOf = (type: string) => template.ofType(type).map(({ id }) => id);

  it('doctor expects every alarm by its name', () => {
    expect(new Set(expected.alarms)).toEqual(new Set(alarmsOf(template).map(({ AlarmName }) => AlarmName)));
  });

  it('doctor expects every schedule by the rule that the framework generates', () => {
    const rules = expected.schedules.map(({ logicalId }) => logicalId);
    expect(rules.sort()).toEqual(idsOf('AWS::Events::Rule').sort());
  });

  it('doctor expects every dead-letter queue', () => {
    expect([...expected.deadLetterQueues].sort()).toEqual(idsOf('AWS::SQS::Queue').sort());
  });

  it('doctor expects every function on the stream of the table', () => {
    expect(expected.streamReaders).toHaveLength(idsOf('AWS::Lambda::EventSourceMapping').length);
    const names = template
      .ofType('AWS::Lambda::Function')
      .map(({ properties }) => properties['FunctionName']);
    expect(names).toEqual(expect.arrayContaining([...expected.streamReaders]));
  });

  it('doctor expects the table with its stream and expiry', () => {
    expect(template.resource('LedgerTable').Properties).toMatchObject({
      TableName: expected.tableName,
      StreamSpecification: { StreamViewType: expected.streamView },
      TimeToLiveSpecification: { AttributeName: expected.timeToLiveAttribute },
    });
  });
});

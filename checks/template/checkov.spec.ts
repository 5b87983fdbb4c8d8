import { describe, expect, it } from 'vitest';
import { type Finding, faultsOf } from './checkov.ts';

const finding = (check_id: string, resource: string): Finding => ({
  check_id,
  check_name: 'Ensure it',
  file_path: '/template.json',
  resource,
});
const dismissal = (rule: string, on: readonly string[]) => ({ rule, asks: '', on, reason: '' });

describe('the dismissed findings of checkov', () => {
  it('a finding on a resource that no dismissal names is a fault', () => {
    const found = [finding('CKV_1', 'AWS::SNS::Topic.AlarmTopic'), finding('CKV_1', 'AWS::SNS::Topic.Other')];
    expect(faultsOf(found, [dismissal('CKV_1', ['AlarmTopic'])])).toEqual([
      'checkov CKV_1 on AWS::SNS::Topic.Other: Ensure it (/template.json)',
    ]);
  });

  it('a dismissal of a type covers every resource of this type, and no other rule', () => {
    const found = [finding('CKV_1', 'AWS::SNS::Topic.One'), finding('CKV_1', 'AWS::SNS::Topic.Two')];
    expect(faultsOf(found, [dismissal('CKV_1', ['AWS::SNS::Topic'])])).toEqual([]);
    expect(faultsOf([finding('CKV_2', 'AWS::SNS::Topic.One')], [])).toHaveLength(1);
  });

  it('each name in a dismissal that matches no finding is a fault', () => {
    const found = [finding('CKV_1', 'AWS::SNS::Topic.AlarmTopic')];
    expect(faultsOf(found, [dismissal('CKV_1', ['AlarmTopic', 'PagerTopic'])])).toEqual([
      'checkov no longer finds CKV_1 on PagerTopic: remove it from dismissals.ts',
    ]);
  });
});

import { inject } from 'vitest';
import { functionsOf } from './lambda.ts';
import { CHECKED_STAGES } from './package-stage.ts';
import { Template } from './template.ts';

/** Each packaged stage, for `describe.each`. */
export const packagedStages = CHECKED_STAGES.map((stage) => {
  const template = new Template(inject('templates')[stage]);
  return { stage, template, functions: functionsOf(template, stage) };
});

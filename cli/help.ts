/** Examples at the end of a command's help: each a command line, with what it does beneath where that is not plain. */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;

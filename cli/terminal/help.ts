/**
 * Examples at the end of a command's help: each a command line, with what it does beneath where that is not plain. They can
 * be pasted as they are: npx finds the project's own command, a shell alone does not.
 */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  ${line.replace(/^rsolv-billing /, 'npx rsolv-billing ')}`).join('\n')}\n`;

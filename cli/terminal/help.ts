/**
 * The examples at the end of a command's help: command lines, some with an explanation below. Each can be
 * pasted as it is, because npx finds the project's own command.
 */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  ${line.replace(/^rsolv-billing /, 'npx rsolv-billing ')}`).join('\n')}\n`;

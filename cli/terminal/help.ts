/**
 * The examples at the end of a command's help: command lines, some with an explanation below. Each can be
 * pasted as it is, because npx finds the project's own command.
 */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map(withNpx).join('\n')}\n`;

const withNpx = (line: string): string => `  ${line.replace(/^rsolv-billing /, 'npx rsolv-billing ')}`;

/**
 * Breaks lines between words, so that they are at most `width` characters long. Words, and so addresses, stay
 * whole. Lines that fit stay as they are, with their spaces.
 */
export const wrapped = (text: string, width: number): string =>
  text
    .split('\n')
    .flatMap((line) => ([...line].length <= width ? [line] : brokenUp(line, width)))
    .join('\n');

function brokenUp(line: string, width: number): string[] {
  const lines: string[] = [];
  let current: string | undefined;
  for (const word of line.split(' ')) {
    const longer: string = current === undefined ? word : `${current} ${word}`;
    if (current === undefined || [...longer].length <= width) {
      current = longer;
      continue;
    }
    lines.push(current);
    current = word;
  }
  return [...lines, current ?? ''];
}

/*
 * Replaces the command `aws dynamodb …` in a test's shell. Sends the options as the fields of the call to the
 * test's engine. Like the command, it prints the answer, or exits with an error code and prints the error's
 * name.
 */

const [, operation = '', ...options] = process.argv.slice(2);
const pascal = (kebab: string): string =>
  kebab.replace(/(?:^-*|-)(\w)/g, (_, letter: string) => letter.toUpperCase());

const input: Record<string, unknown> = {};
for (let i = 0; i < options.length; i++) {
  const name = options[i] ?? '';
  const value = options[i + 1];
  if (name === '--output') i += 1;
  else if (value === undefined || value.startsWith('--')) input[pascal(name)] = true;
  else {
    input[pascal(name)] = value.startsWith('{') ? JSON.parse(value) : value;
    i += 1;
  }
}

const response = await fetch(process.env['DYNAMODB_ENDPOINT'] ?? '', {
  method: 'POST',
  headers: {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-date': '20260101T000000Z',
    'x-amz-target': `DynamoDB_20120810.${pascal(operation)}`,
    authorization:
      'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
  },
  body: JSON.stringify(input),
});
const answer = await response.text();
if (response.ok) console.log(answer);
else {
  console.error(answer);
  process.exitCode = 254;
}

/**
 * Makes the AWS SDK of this process, and of those it starts, a stranger to every real account: a developer's own
 * profile, keys and endpoints are taken out, and names that only a local engine accepts put in their place.
 */
export function useLocalAws(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) {
    if (name.startsWith('AWS_')) delete env[name];
  }
  env['AWS_REGION'] = 'us-east-1';
  env['AWS_ACCESS_KEY_ID'] = 'local';
  env['AWS_SECRET_ACCESS_KEY'] = 'local';
}

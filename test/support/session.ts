import { sessionCookie } from '../../lib/http/pages/session-cookie.ts';
import { makeSignInLink, signIn } from '../../lib/operations/access/sign-in.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { Visitor } from './pages.ts';

/** A visitor with a session of this customer. */
export async function visitorOf(
  deps: Deps,
  customerId: string,
  ...send: ConstructorParameters<typeof Visitor>
): Promise<Visitor> {
  const { token } = await signIn(deps, (await makeSignInLink(deps, customerId)).token, '192.0.2.1');
  const visitor = new Visitor(...send);
  visitor.steal([sessionCookie(token, 60)]);
  return visitor;
}

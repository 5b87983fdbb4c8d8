/**
 * The domain of an address and every domain above it, most specific first: `a.b.example` → itself, `b.example`.
 * A list of disposable domains names the registered domain; mail to any of its subdomains ends up there too.
 */
export function domainsOf(email: string): string[] {
  const labels = email
    .slice(email.lastIndexOf('@') + 1)
    .toLowerCase()
    .split('.');
  return labels.slice(0, -1).map((_, i) => labels.slice(i).join('.'));
}

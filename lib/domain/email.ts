/**
 * The domain of an address and every domain above it, most specific first: `a.b.example` → itself,
 * `b.example`. Lists of disposable domains name the registered domain, which also receives the mail of its
 * subdomains.
 */
export function domainsOf(email: string): string[] {
  const labels = email
    .slice(email.lastIndexOf('@') + 1)
    .toLowerCase()
    .split('.');
  return labels.slice(0, -1).map((_, i) => labels.slice(i).join('.'));
}

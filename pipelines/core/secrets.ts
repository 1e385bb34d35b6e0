/** Text without credentials: the user part of addresses and anything that looks like an access token. */
export function withoutSecrets(text: string): string {
  return (
    text
      // The bound on the scheme keeps the time linear: without it a megabyte of letters takes minutes.
      .replaceAll(/([a-z][a-z0-9+.-]{0,30}:\/\/)[^/@\s]+@/gi, '$1')
      .replaceAll(/\b(hf_|ghp_|gho_|ghs_|ghu_|github_pat_|glpat-|sk-)[A-Za-z0-9_-]{8,}/g, '$1***')
  )
}

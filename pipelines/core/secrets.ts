/**
 * Text without credentials: the user part of addresses, and whatever looks like an access token, a key or a password. What is left of a
 * token says whose it was.
 */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((cleaned, [pattern, left]) => cleaned.replaceAll(pattern, left), text)
}

/** Addresses of mail, and no product of matrices: in `x@self.weight`, `q@k.mT` and `a@b.view(4)` the last name is a tensor's. */
export const MAIL_ADDRESS =
  /(?<![\w.+-])[\w.+-]{1,64}@(?!self\.)(?:[\w-]{1,63}\.){1,5}(?!(?:mT|mH|weight|bias|shape|data|grad|real|imag|dtype|device)\b)[A-Za-z]{2,12}(?![\w([]|\.\w)/g

// Fixed prefixes as the issuers document them, and as gitleaks and GitHub's secret scanning list them. Every repetition is bounded or
// of one kind of character, so that the time is linear: without it a megabyte of letters takes minutes.
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [
    /-----BEGIN ([A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?)-----(?:(?!-----)[\s\S]){0,20000}(?:-----END \1-----)?/g,
    '[private key]',
  ],
  [/\bssh-(?:rsa|dss|ed25519) [A-Za-z0-9+/=]{40,2000}(?: [^\s@]{1,64}@\S{1,64})?/g, '[public key]'],
  [/([a-z][a-z0-9+.-]{0,30}:\/\/)[^/@\s]+@/gi, '$1'],
  [/\b(hf_|gh[opsur]_|github_pat_|glpat-|sk-|npm_|pypi-|xox[abeprs]-|dapi|nvapi-|gsk_)[A-Za-z0-9_-]{8,}/g, '$1***'],
  [/\b(AKIA|ASIA)[A-Z0-9]{16}\b/g, '$1***'],
  [/\b(AIza)[\w-]{35}/g, '$1***'],
  [/\beyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,4000}(?:\.[A-Za-z0-9_-]{0,4000})?/g, '[token]'],
  [/\b(Bearer |Basic )(?=[A-Za-z0-9._~+/=-]{0,200}\d)[A-Za-z0-9._~+/=-]{16,4000}/g, '$1***'],
  // A name that stands for a credential, and a value with letters and digits: `BLOCK_TOKEN = 128` is none.
  [
    /\b((?:\w{0,40}(?:API_?KEY|SECRET_?KEY|ACCESS_?KEY|PRIVATE_?KEY|PASSWORD|PASSWD|CLIENT_SECRET)|(?:\w{0,40}_)?(?:ACCESS|API|AUTH|HF|GITHUB|GH|NPM|PYPI|SLACK|WANDB|HUGGING_?FACE(?:HUB)?)_?TOKEN)["']?\s{0,3}[=:]\s{0,3}["']?)(?=[^\s"']{0,200}\d)(?=[^\s"']{0,200}[A-Za-z])[A-Za-z0-9+/_.~!$%^&*=-]{8,400}/gi,
    '$1***',
  ],
]
